"""The server ends while runs are in progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pocket.kfp_api.service import service as pipelines_service
from tests.pocket.kfp_api.pipelines_api import Api, running, states, steps, until


def test_a_server_is_restarted_when_its_runs_would_look_in_the_wrong_place(tmp_path: Path) -> None:
    """An address of their environment is part of what the server was started with; a key is not, and is not noted."""
    before = pipelines_service(tmp_path, {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}).detail
    env = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5001", "AWS_SECRET_ACCESS_KEY": "secret"}
    assert before != pipelines_service(tmp_path, env).detail == {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5001"}


@pytest.mark.parametrize("end", [Api.kill, Api.stop])
def test_the_run_fails_and_those_that_wait_go_on(tmp_path: Path, end: Callable[[Api], None]) -> None:
    """Killed or stopped: the run's processes end with it; when it is back it says so, and runs what was waiting."""
    with running(tmp_path / "home") as api:
        first, second = api.submit("first", "sleep"), api.submit("second")
        api.wait_for_step(first, "end")
        end(api)
        until(lambda: not api.processes())

        api.start()
        run = api.client.get_run(first)
        assert states(run) == ["PENDING", "RUNNING", "FAILED"]
        assert steps(run) == {"greet": "SUCCEEDED", "end": "FAILED"}
        assert (run.error.code, "ended while the run was in progress" in run.error.message) == (14, True)
        assert states(api.client.wait_for_run_completion(second, 100, 1)) == ["PENDING", "RUNNING", "SUCCEEDED"]
        assert list(api.home.glob("runs/*/unfinished")) == []
