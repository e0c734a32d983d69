"""Runs whose command is ended: by Ctrl-C, which ends the run too, or by kill -9, which does not."""

from __future__ import annotations

import signal

import psutil
import pytest
from mlflow import MlflowClient

from pocket import state
from tests.failures.command import SECONDS, Command
from tests.failures.registered import statuses

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS), pytest.mark.usefixtures("nothing_registered")]

NO_ROWS = ("--start=2014-01-02", "--end=2014-01-06", "--holdout-end=2014-01-08")


def test_a_run_belongs_to_the_server(
    command: Command, other_command: Command, good_source: str, client: MlflowClient
) -> None:
    """Ctrl-C: 130, the run is asked to end and has ended, no step is left, and the MLflow run says that it was killed.

    kill -9: the run goes on to its end. One that is asked for meanwhile waits for it, says so, and has its turn.
    """
    interrupted = command.start_run(good_source)
    killed = other_command.start_run(good_source, "--set=gate.min_roc_auc=0.99")
    name = killed.wait_for("run: flights-run-").split()[1]
    for running in (interrupted, killed):
        running.wait_for("train: 0 of 1 trials")

    killed.process.kill()
    assert killed.finish().exit_code == -signal.SIGKILL
    waiting = other_command.start_run(good_source, *NO_ROWS)

    interrupted.process.send_signal(signal.SIGINT)
    interrupted.finish().assert_told(130, "run: asking for the termination of flights-run-", " is terminated")
    server = state.read(command.home, "pipelines")
    assert server
    assert psutil.Process(server.pid).children() == []
    assert statuses(client, command.last_mlflow_run())[0] == "KILLED"

    assert name in waiting.wait_for("queue: waits for ")
    waiting.finish().assert_told(3, "Step ingest: ", "run.log")
    assert statuses(client, other_command.last_mlflow_run()) == ["FINISHED", "FINISHED"]
