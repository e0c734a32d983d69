"""What the doctor finds, and what it says to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from pocket import doctor, process, state
from pocket.state import Record


def test_a_broken_loop_file_is_a_problem_with_its_key(tmp_path: Path) -> None:
    """In the words of the file's own check."""
    (tmp_path / "bad.toml").write_text('[data]\nsource = "x"\nlabel_delay = 3\n[train.space.xgboost]\n')
    found = {check.name: check for check in doctor.examine(tmp_path / "home", tmp_path)}
    assert found["loop bad"].verdict == "problem"
    assert "label_delay" in found["loop bad"].found
    assert not (tmp_path / "home").exists()


def test_a_port_that_somebody_else_has_taken_is_told(tmp_path: Path) -> None:
    """Of a server that is down; one that runs holds its own port by right."""
    token = process.new_token()
    own = process.spawn(
        [sys.executable, "-c", "import time; time.sleep(60)"], dict(os.environ), token, tmp_path, tmp_path / "log"
    )
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        state.write(tmp_path, Record("mlflow", "", 0, 0, {"http": port}))
        state.write(tmp_path, Record("s3", token, own, time.time(), {"http": port}))
        found = {check.name: check for check in doctor.examine(tmp_path, tmp_path)}["ports"]
    process.stop(token, 1)
    assert (found.verdict, found.found) == ("warning", f"taken: {port} (of mlflow)")


def test_every_program_is_there_and_runs() -> None:
    """What comes as a wheel runs on this machine; each check that is no problem needs no remedy."""
    command = Path(sys.executable).with_name("driftloop")
    ended = subprocess.run([command, "doctor"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    assert all(name in ended.stdout for name in ("weed", "nats-server", "envoy", "kubectl", "loop flights"))
    assert "✗" not in ended.stdout
