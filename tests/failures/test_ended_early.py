"""Runs that somebody ends: by Ctrl-C, or by killing the command."""

from __future__ import annotations

import signal

import pytest
from mlflow import MlflowClient

from tests.failures.command import SECONDS, Command
from tests.failures.registered import statuses

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS), pytest.mark.usefixtures("nothing_registered")]

NO_ROWS = ("--start=2014-01-02", "--end=2014-01-06", "--holdout-end=2014-01-08")


def test_a_run_that_is_ended_takes_everything_with_it(
    command: Command, other_command: Command, good_source: str, client: MlflowClient
) -> None:
    """Ctrl-C: 130, with no process left, and the MLflow run says that it was killed.

    kill -9: its steps end with the command and it holds no lock; the next run sets the MLflow run right.
    """
    interrupted, killed = command.start_run(good_source), other_command.start_run(good_source)
    for running in (interrupted, killed):
        running.wait_for("train: 0 of 1 trials")

    interrupted.process.send_signal(signal.SIGINT)
    interrupted.finish().assert_told(130)
    assert command.processes() == []
    assert statuses(client, *command.mlflow_runs())[0] == "KILLED"

    killed.process.kill()
    assert killed.finish().exit_code == -signal.SIGKILL
    other_command.assert_no_process()
    assert "RUNNING" in statuses(client, *other_command.mlflow_runs())
    other_command.run(good_source, *NO_ROWS).assert_told(3)
    found = statuses(client, *other_command.mlflow_runs())
    assert found[0] == "KILLED"
    assert "RUNNING" not in found
