"""`driftloop up`, `status`, `down`, `env`, typed as a user types them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.settings import Settings

Driftloop = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def driftloop(tmp_path: Path, plain_env: dict[str, str]) -> Iterator[Driftloop]:
    """Runs the command in a folder of its own; takes variables as keywords. Stops what it started."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("driftloop"), *arguments],
            env={**plain_env, "COLUMNS": "80", **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    run("down")


@pytest.fixture
def users_own(s3_settings: Settings) -> dict[str, str]:
    """Variables of servers the user has; any that answers HTTP will do for MLflow."""
    return {
        "AWS_ENDPOINT_URL_S3": s3_settings.s3_endpoint,
        "AWS_ACCESS_KEY_ID": s3_settings.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": s3_settings.s3_secret_key,
        "MLFLOW_TRACKING_URI": s3_settings.s3_endpoint,
    }


def test_help_names_every_command_without_loading_the_stack(driftloop: Driftloop) -> None:
    """`driftloop --help` is quick: no library of the stack is imported for it."""
    assert {"up", "status", "down", "env"} <= set(driftloop("--help").stdout.replace("│", " ").split())
    heavy = "{'mlflow', 'pandas', 'kserve', 'kfp', 'numpy', 'pyarrow', 'minio', 'feast'}"
    script = f"import sys, scripts.cli; print(*{heavy} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "\n"


def test_an_unknown_command_is_a_usage_error(driftloop: Driftloop) -> None:
    """A slip of the finger ends with 2 and no traceback."""
    ended = driftloop("upp")
    assert ended.returncode == 2
    assert "No such command 'upp'" in ended.stderr


def test_before_up_nothing_runs(driftloop: Driftloop, tmp_path: Path) -> None:
    """Status says so with exit code 4, down has nothing to do, and neither leaves a file."""
    asked = driftloop("status")
    assert asked.returncode == 4
    assert [line.split()[:2] for line in asked.stdout.splitlines()[1:3]] == [["s3", "stopped"], ["mlflow", "stopped"]]
    ended = driftloop("down")
    assert (ended.returncode, ended.stdout) == (0, "Nothing was running.\n")
    assert list(tmp_path.iterdir()) == []


def test_up_status_env_down(driftloop: Driftloop, tmp_path: Path) -> None:
    """The life of a laptop's servers, from the command line."""
    started = driftloop("up", "--no-loop", "--json")
    assert started.returncode == 0, started.stderr
    addresses = json.loads(started.stdout)
    assert set(addresses) == {"s3", "mlflow"}
    assert f"mlflow: ready at {addresses['mlflow']}" in started.stderr

    told = driftloop("status", "--json")
    assert told.returncode == 0
    found = json.loads(told.stdout)
    assert {one["service"]: one["address"] for one in found["servers"] if one["pid"]} == addresses
    assert found["loops"] == []  # MLflow knows of no version, and there is no Kubernetes API to ask
    table = driftloop("status").stdout
    assert addresses["s3"] in table
    assert ".driftloop/logs/mlflow.log" in table

    exports = driftloop("env").stdout
    shell = f"{exports}\nprintf '%s %s' $AWS_ENDPOINT_URL_S3 $MLFLOW_TRACKING_URI"
    read = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
    assert read.stdout.split() == [addresses["s3"], addresses["mlflow"]]

    stopped = driftloop("down")
    assert stopped.returncode == 0
    assert stopped.stderr.splitlines()[-1] == "s3: stopped"
    assert driftloop("status").returncode == 4
    assert (tmp_path / ".driftloop").stat().st_mode & 0o777 == 0o700


def test_a_server_that_cannot_start_ends_with_4(driftloop: Driftloop, tmp_path: Path) -> None:
    """The reason and the log are told in words, and nothing is left running."""
    data = tmp_path / ".driftloop" / "s3" / "data"
    data.mkdir(parents=True)
    (data / "filerldb2").touch()  # where weed keeps a folder
    ended = driftloop("up", "--no-loop")
    assert ended.returncode == 4
    assert "error: The service s3 ended while it started." in ended.stderr
    assert ".driftloop/logs/s3.log" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert driftloop("down").stdout == "Nothing was running.\n"


def test_an_interrupted_up_leaves_nothing_running(
    driftloop: Driftloop, tmp_path: Path, plain_env: dict[str, str]
) -> None:
    """Ctrl-C while servers start: exit code 130, and what was started is stopped."""
    command = [str(Path(sys.executable).with_name("driftloop")), "up", "--no-loop"]
    with subprocess.Popen(command, env=plain_env, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr is not None
        assert [up.stderr.readline() for _ in range(2)] == ["s3: starting\n", "mlflow: starting\n"]
        up.send_signal(signal.SIGINT)
        assert "Traceback" not in up.stderr.read()
    assert up.returncode == 130
    assert driftloop("down").stdout == "Nothing was running.\n"


def test_the_users_own_servers_are_shown_and_left_alone(driftloop: Driftloop, users_own: dict[str, str]) -> None:
    """By configuration alone: up starts nothing, status calls them external."""
    started = driftloop("up", "--no-loop", **users_own)
    assert started.returncode == 0, started.stderr
    assert started.stdout.count("external") == 2
    assert driftloop("down", **users_own).stdout == "Nothing was running.\n"


def test_a_server_of_the_users_that_is_away_is_told(driftloop: Driftloop, users_own: dict[str, str]) -> None:
    """Exit code 4 and the address that does not answer."""
    away = users_own | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    told = driftloop("status", **away)
    assert told.returncode == 4
    assert "external, no answer  http://127.0.0.1:9" in told.stdout
    assert "champion       not known: MLflow answers with status 4" in told.stdout
    assert "last window    not known: The S3 server at http://127.0.0.1:9 does not answer" in told.stdout
    assert "run            not known: KF_PIPELINES_ENDPOINT is not set" in told.stdout
    ended = driftloop("up", "--no-loop", **away)
    assert ended.returncode == 4
    assert "http://127.0.0.1:9 does not answer" in ended.stderr


def test_an_address_that_is_none_is_a_configuration_error(driftloop: Driftloop) -> None:
    """A typing error in a variable ends with 2 and names it."""
    ended = driftloop("up", "--no-loop", AWS_ENDPOINT_URL_S3="minio:9000")
    assert ended.returncode == 2
    assert "AWS_ENDPOINT_URL_S3" in ended.stderr
