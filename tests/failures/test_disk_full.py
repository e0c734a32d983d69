"""The disk that holds the runs' artifacts fills up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mlflow import MlflowClient

from tests.failures.command import SECONDS, Command
from tests.failures.registered import statuses, versions
from tests.failures.small_disk import lacking, left, mlflow_runs, runs_in

LARGE_MODEL = "--set=train.space={xgboost={n_estimators=[400], max_depth=[6]}}"


@pytest.fixture
def roomy_until(other_command: Command, kibibytes: int) -> Command:
    """The command line with so much room for its runs."""
    runs = other_command.home / "runs"
    runs.mkdir(parents=True)
    if reason := lacking(runs):
        pytest.skip(f"a disk of a size of its own needs {reason}")
    return replace(other_command, prefix=runs_in(runs, kibibytes))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize(
    ("kibibytes", "step", "unwritten"),
    [
        pytest.param(44, "ingest", "ingest/raw", id="manifest"),
        pytest.param(48, "ingest", "validate/", id="engine"),
        pytest.param(152, "features", "features/frame", id="frame"),
        pytest.param(452, "select", "select/challenger", id="model"),
    ],
)
def test_a_full_disk_is_told(
    roomy_until: Command, good_source: str, client: MlflowClient, step: str, unwritten: str
) -> None:
    """7, with the disk that is full, from the step that could not write.

    What that step was to write is whole or not there, nothing is registered, and the MLflow run says that it failed.
    """
    ended = roomy_until.run(good_source, LARGE_MODEL)
    ended.assert_told(7, "No space left on the disk that holds", str(roomy_until.home / "runs"), "Free some room")
    assert f"{step}: done" not in ended.err
    assert [path for path in left(ended.out) if unwritten in path or path.endswith((".partial", "unfinished"))] == []
    opened = set(mlflow_runs(ended.out))
    assert all(statuses(client, run_id)[0] == "FAILED" for run_id in opened)
    assert opened.isdisjoint(versions(client).values())  # those of the baseline may come meanwhile
