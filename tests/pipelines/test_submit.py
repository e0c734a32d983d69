"""Runs submitted and followed through kfp.Client alone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from contracts.errors import ConfigError, DataError, DriftloopError, UnavailableError, to_line
from contracts.loop import LoopSpec
from contracts.settings import Settings
from contracts.window import Window
from pipelines.compile import COMPILED, LOOPS
from pipelines.submit import follow, log_of, submit, terminate
from tests.pocket.kfp_api.pipelines_api import Api, running
from tests.pocket.kfp_api.tiny import compiled, training

SPEC = LoopSpec.load(LOOPS / "flights.toml")
WINDOWS = (Window.parse("2013-01-01", "2013-03-01"), Window.parse("2013-03-01", "2013-03-15"))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A running server."""
    with running(tmp_path_factory.mktemp("submit") / "home") as found:
        yield found


@pytest.fixture
def settings(api: Api, tmp_path: Path) -> Settings:
    """Its address, and a training pipeline of a second."""
    env = {"KF_PIPELINES_ENDPOINT": api.address, "DRIFTLOOP_CODE_VERSION": ""}
    return replace(Settings.from_env(env), pipeline=compiled(training, tmp_path))


def test_a_run_is_followed_to_its_end(settings: Settings, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """Each step's begin and end, in order, and nothing on stdout; afterwards the run itself."""
    events: list[tuple[str, str]] = []
    run_id = submit(settings, SPEC, WINDOWS, "flights-1")
    run = follow(settings, run_id, lambda *event: events.append(event))
    assert [*dict.fromkeys(step for step, _ in events)] == ["greet", "end"]
    assert [event for event in events if event[0] == "end"] == [("end", "running"), ("end", "done")]
    parameters = run.runtime_config.parameters
    assert (parameters["end"], parameters["holdout_end"]) == ("2013-03-01", "2013-03-15")
    assert LoopSpec.from_json(parameters["spec"]) == SPEC
    assert api.client.get_experiment(run.experiment_id).display_name == "flights"
    assert "runs/flights-2" in run.runtime_config.pipeline_root
    assert capsys.readouterr().out == ""


def test_a_failure_is_the_error_of_the_step(settings: Settings) -> None:
    """Its kind, and so its exit code, at which step, what happened, what to do, and where the log is."""
    failing = replace(settings, code_version=to_line(DataError("No rows.", "Choose other days.")))
    with pytest.raises(DataError) as failure:
        follow(failing, submit(failing, SPEC, WINDOWS, "flights-2"), lambda *_: None)
    assert failure.value.what == "Step end: No rows."
    remedy, _, log = failure.value.remedy.partition("\nIts log: ")
    assert remedy == "Choose other days."
    assert Path(log).name == "run.log"
    assert Path(log).exists()


def test_the_log_of_a_run_elsewhere_is_its_page(settings: Settings) -> None:
    """Where the artifacts are in no folder there is no file to name."""
    run = SimpleNamespace(run_id="one", runtime_config=SimpleNamespace(pipeline_root="s3://bucket/runs"))
    assert log_of(settings, run) == f"{settings.kfp_endpoint}/#/runs/details/one"


def test_a_terminated_run_is_no_success(settings: Settings, api: Api) -> None:
    """Whoever follows it is told; to terminate it again does nothing."""
    sleeping = replace(settings, code_version="sleep")
    run_id = submit(sleeping, SPEC, WINDOWS, "flights-3")
    api.wait_for_step(run_id, "end")
    thread = Thread(target=terminate, args=(settings, run_id))
    thread.start()
    with pytest.raises(DriftloopError, match="flights-3 was terminated"):
        follow(settings, run_id, lambda *_: None)
    thread.join()
    terminate(settings, run_id)
    assert api.client.get_run(run_id).state == "CANCELED"


def test_mistakes_are_told_without_a_traceback(settings: Settings) -> None:
    """A pipeline with other parameters, a run nobody knows, a server that is not there."""
    with pytest.raises(ConfigError, match="no such run"):
        follow(settings, "no such run", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(UnavailableError, match="did not answer"):
        submit(replace(settings, kfp_endpoint=f"http://127.0.0.1:{port}"), SPEC, WINDOWS, "flights-4")


def test_the_real_pipeline_takes_these_parameters(settings: Settings, api: Api) -> None:
    """The compiled file of the repository, submitted behind a run in progress and terminated before it begins."""
    blocker = api.submit("blocker", "sleep")
    run_id = submit(replace(settings, pipeline=COMPILED), SPEC, WINDOWS, "flights-5")
    for one in (run_id, blocker):
        terminate(settings, one)
