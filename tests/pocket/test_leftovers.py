"""What a run leaves is cleared by itself, or by the next."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from components.tracking import Tracking
from contracts.settings import Settings
from pocket.leftovers import MARK, clear_killed, mark, unmark


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run with a half-written file."""
    folder = tmp_path / "runs" / "flights-20130101T000000.000000"
    (folder / "artifacts" / "training" / "plan").mkdir(parents=True)
    (folder / "artifacts" / "training" / "plan" / "frame.partial").touch()
    return folder


def test_a_run_that_ended_is_left_alone(folder: Path, plain_env: dict[str, str]) -> None:
    """It has no mark any more."""
    mark(folder, plain_env)
    unmark(folder)
    clear_killed(folder.parent, "flights")
    assert list(folder.rglob("*.partial"))


def test_a_killed_run_is_cleared_once(folder: Path, services: Settings) -> None:
    """Its half-written files and its half-stored model go; its MLflow run and the trial that was open are closed."""
    tracking = Tracking(services.mlflow_tracking_uri)
    run_id = tracking.open_run("leftovers", "a run", {"driftloop.pipeline_run": "a run"})
    trials = [tracking.open_run("leftovers", f"trial {n}", {"driftloop.trial": str(n)}, run_id) for n in (0, 1)]
    tracking.end(trials[0], "FINISHED")
    experiment = tracking.client.get_run(run_id).info.experiment_id
    tracking.client.create_logged_model(experiment, name="flights", source_run_id=run_id)
    (folder / "artifacts" / "training" / "plan" / "search").write_text(run_id)
    mark(folder, {"MLFLOW_TRACKING_URI": services.mlflow_tracking_uri})
    clear_killed(folder.parent, "another")
    assert (folder / MARK).exists()
    clear_killed(folder.parent, "flights")
    statuses = [tracking.client.get_run(one).info.status for one in (run_id, *trials)]
    assert statuses == ["KILLED", "FINISHED", "KILLED"]
    assert list(folder.rglob("*.partial")) == []
    assert tracking.client.search_logged_models([experiment]) == []
    assert not (folder / MARK).exists()


def test_mlflow_may_be_away(
    folder: Path, unused_port: int, plain_env: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """That is told, and left to the run after the next."""
    (folder / "artifacts" / "training" / "plan" / "search").write_text("0" * 32)
    mark(folder, {**plain_env, "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{unused_port}"})
    clear_killed(folder.parent, "flights")
    assert "could not be marked as KILLED" in caplog.text
    assert (folder / MARK).exists()


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
