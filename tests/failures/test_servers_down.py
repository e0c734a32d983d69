"""Servers that die while a run needs them, and what comes after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mlflow import MlflowClient

from tests.failures.command import SECONDS, Command, Ended
from tests.failures.registered import aliases, versions
from tests.failures.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]


@pytest.fixture(scope="module")
def mortal(servers: Servers, baseline: Ended) -> Iterator[Servers]:
    """The servers, once the baseline needs them no more; whichever was killed is brought back."""
    yield servers
    servers.bring_back()


@pytest.mark.usefixtures("nothing_registered")
def test_s3_that_dies_is_named(command: Command, mortal: Servers, good_source: str) -> None:
    """After a few tries: which server, for which object."""
    running = command.start_run(good_source)
    running.wait_for("ingest: running")
    mortal.kill("s3")
    try:
        running.finish().assert_told(4, mortal.settings.s3_endpoint, "does not answer", "s3://", "driftloop status")
    finally:
        mortal.bring_back()


def test_mlflow_that_dies_is_named(other_command: Command, mortal: Servers, good_source: str) -> None:
    """After as many tries as the pipelines API was started with: which server."""
    running = other_command.with_env(MLFLOW_HTTP_REQUEST_MAX_RETRIES="2").start_run(good_source)
    running.wait_for("ingest: running")
    mortal.kill("mlflow")
    ended = running.finish()
    ended.assert_told(4, mortal.settings.mlflow_tracking_uri, "does not answer", "driftloop status")
    assert "train" not in ended.err
    assert "Retrying" in (other_command.last_run() / "run.log").read_text()


def test_once_they_are_back_the_same_rows_give_the_same_version(
    command: Command, other_command: Command, baseline: Ended, mortal: Servers, rough_source: str, client: MlflowClient
) -> None:
    """Before and after: the same model, which is registered already, although a second run came in between.

    That one waits while the first is in progress. A run in another home does not: its other days make another model,
    which the gate rejects with its reasons. It is not registered, and its MLflow run is finished and says so.
    """
    mortal.bring_back()
    before = versions(client), aliases(client)
    again = command.start_run(rough_source, "--json")
    other = other_command.start_run(rough_source, "--json", "--start=2013-01-03", "--set=gate.min_roc_auc=0.99")
    again.wait_for("ingest: running")
    second = command.start_run(rough_source, "--start=2014-01-02", "--end=2014-01-06", "--holdout-end=2014-01-08")
    second.wait_for("queue: waits for flights-run-")
    repeated, rejected = again.finish(), other.finish()
    second.finish().assert_told(3, "has no rows")

    assert repeated.exit_code == 0, repeated.err
    assert repeated.body["model_sha256"] == baseline.body["model_sha256"]
    assert repeated.body["version"] == baseline.body["version"]
    rejected.assert_told(6, "ROC AUC", "is below gate.min_roc_auc = 0.99", "Nothing was registered")
    assert rejected.body["version"] is None
    assert rejected.body["model_sha256"] != baseline.body["model_sha256"]
    assert (versions(client), aliases(client)) == before
    run = client.get_run(other_command.last_mlflow_run())
    assert run.info.status == "FINISHED"
    assert run.data.tags["driftloop.verdict"] == "rejected"
    assert "is below gate.min_roc_auc" in run.data.tags["driftloop.reasons"]
