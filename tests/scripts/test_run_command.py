"""`driftloop run` and the server its runs belong to, with a training pipeline of a second."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import DataError, to_line
from tests.failures.command import Command
from tests.pocket.kfp_api.pipelines_api import Api, running
from tests.pocket.kfp_api.tiny import compiled, training

NO_ROWS = to_line(DataError("No rows.", "Choose other days."))
Run = Callable[[str], Command]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A running server, the user's own."""
    with running(tmp_path_factory.mktemp("run") / "home") as found:
        yield found


@pytest.fixture
def ending(api: Api, tmp_path: Path, plain_env: dict[str, str]) -> Iterator[Run]:
    """Makes a command line whose runs end so; it has a home of its own, in which it starts nothing."""
    env = {**plain_env, "KF_PIPELINES_ENDPOINT": api.address, "DRIFTLOOP_PIPELINE": str(compiled(training, tmp_path))}
    commands = []

    def make(how: str) -> Command:
        commands.append(Command(tmp_path / "home", {**env, "DRIFTLOOP_CODE_VERSION": how}, tmp_path / "temporary"))
        return commands[-1]

    yield make
    for command in commands:
        command.kill_all()
    assert not (tmp_path / "home" / "state").exists()


def run_of(api: Api, name: str) -> Any:
    """The run of a name."""
    return next(run for run in api.client.list_runs(page_size=50).runs if run.display_name == name)


def test_a_run_outlives_its_command_and_the_next_one_waits_for_it(api: Api, ending: Run) -> None:
    """kill -9: the run goes on. The next says which run it waits for and at what that is, then has its turn."""
    killed = ending("sleep").start("run", "flights")
    name = killed.wait_for("run: flights-run-").split()[1]
    killed.wait_for("end: running")
    killed.process.kill()
    killed.finish()

    waiting = ending(NO_ROWS).start("run", "flights")
    assert waiting.wait_for("queue: ").strip() == f"queue: waits for {name}, which is at end"
    assert run_of(api, name).state == "RUNNING"
    api.client.terminate_run(run_of(api, name).run_id)
    ended = waiting.finish()
    assert ended.err.count("queue: its turn has come") == 1
    ended.assert_told(
        3, "greet: done", "Step end: No rows.", "Choose other days.", f"{api.home}/runs/flights-", "run.log"
    )


def test_ctrl_c_asks_for_the_end_of_the_run(api: Api, ending: Run) -> None:
    """It says so, and ends with 130 once the run has ended."""
    interrupted = ending("sleep").start("run", "flights")
    name = interrupted.wait_for("run: flights-run-").split()[1]
    interrupted.wait_for("end: running")
    interrupted.process.send_signal(signal.SIGINT)
    ended = interrupted.finish()
    ended.assert_told(130, f"run: asking for the termination of {name}", f"run: {name} is terminated")
    assert run_of(api, name).state == "CANCELED"


def test_ctrl_c_while_it_waits_leaves_the_other_alone(api: Api, ending: Run) -> None:
    """A run that has not begun never begins."""
    blocker = api.submit("blocker", "sleep")
    interrupted = ending("sleep").start("run", "flights")
    name = interrupted.wait_for("run: flights-run-").split()[1]
    interrupted.wait_for("queue: waits for blocker")
    interrupted.process.send_signal(signal.SIGINT)
    interrupted.finish().assert_told(130, f"run: {name} is terminated")
    assert (run_of(api, name).state, run_of(api, "blocker").state) == ("CANCELED", "RUNNING")
    api.client.terminate_run(blocker)


def test_a_run_that_somebody_else_ends_is_no_success(api: Api, ending: Run) -> None:
    """Whoever waits for it is told."""
    waiting = ending("sleep").start("run", "flights")
    name = waiting.wait_for("run: flights-run-").split()[1]
    waiting.wait_for("end: running")
    api.client.terminate_run(run_of(api, name).run_id)
    waiting.finish().assert_told(1, f"Run {name} was terminated")


def test_a_run_by_hand_on_the_days_of_the_policy(api: Api, ending: Run) -> None:
    """`retrain` waits for its run as `run` does, or starts it and no more."""
    ended = ending(NO_ROWS).start("retrain", "flights", "--today", "2013-05-01").finish()
    ended.assert_told(3, "Step end: No rows.", "greet: done")
    name, _, days = ended.out.partition(": ")
    assert name.startswith("flights-manual-")
    assert days.startswith("trains on [2013-01-01, ")
    assert run_of(api, name).runtime_config.parameters["rollout"] == "canary"

    started = ending("sleep").start("retrain", "flights", "--today", "2013-05-01", "--no-wait").finish()
    assert started.exit_code == 0, started.err
    run_id = started.out.splitlines()[-1].removeprefix("run ")
    assert api.client.get_run(run_id).display_name == started.out.partition(": ")[0]
    api.client.terminate_run(run_id)
