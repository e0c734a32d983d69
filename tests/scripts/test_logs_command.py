"""`driftloop logs`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def logs(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the command prints for a home."""
    command = [str(Path(sys.executable).with_name("driftloop")), "logs", *arguments]
    return subprocess.run(command, env={"DRIFTLOOP_HOME": str(home)}, capture_output=True, text=True, check=False)


def test_logs_are_listed_and_shown(tmp_path: Path) -> None:
    """Names and sizes; the last lines of one; a name that is not there is the user's mistake."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "mlflow.log").write_text("one\ntwo\nthree\n")
    assert logs(tmp_path).stdout.split() == ["mlflow", "14", "bytes"]
    assert logs(tmp_path, "mlflow", "-n", "2").stdout == "two\nthree\n"
    unknown = logs(tmp_path, "nginx")
    assert unknown.returncode == 2
    assert "Known: mlflow." in unknown.stderr


def test_following_shows_what_comes(tmp_path: Path) -> None:
    """Also after the log was begun anew."""
    log = tmp_path / "logs" / "s3.log"
    log.parent.mkdir()
    log.write_text("a first line\n")
    command = [str(Path(sys.executable).with_name("driftloop")), "logs", "s3", "-f"]
    env = {"DRIFTLOOP_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == "a first line\n"
        with log.open("a") as file:
            file.write("second\n")
        assert follower.stdout.readline() == "second\n"
        log.write_text("anew\n")
        assert follower.stdout.readline() == "anew\n"
        follower.terminate()
