"""Runs that somebody ends by Ctrl-C. A command that is killed does not end its run: see tests/scripts."""

from __future__ import annotations

import signal

import psutil
import pytest
from mlflow import MlflowClient

from pocket import state
from tests.failures.command import SECONDS, Command
from tests.failures.registered import statuses

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS), pytest.mark.usefixtures("nothing_registered")]


def test_a_run_that_is_ended_takes_everything_with_it(command: Command, good_source: str, client: MlflowClient) -> None:
    """130: the run was asked to end and has ended, no step is left, and the MLflow run says that it was killed."""
    running = command.start_run(good_source)
    running.wait_for("train: 0 of 1 trials")
    running.process.send_signal(signal.SIGINT)
    running.finish().assert_told(130, "run: asking for the termination of flights-run-", " is terminated")
    server = state.read(command.home, "pipelines")
    assert server
    (warm,) = psutil.Process(server.pid).children()
    assert warm.children() == []
    assert statuses(client, command.last_mlflow_run())[0] == "KILLED"
