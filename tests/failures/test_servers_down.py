"""Servers that die while a run needs them, and what comes after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.failures.command import SECONDS, Command
from tests.failures.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]


@pytest.fixture(scope="module")
def mortal(servers: Servers) -> Iterator[Servers]:
    """The servers; whichever was killed is brought back."""
    yield servers
    servers.bring_back()


@pytest.mark.usefixtures("nothing_registered")
def test_s3_that_dies_is_named(command: Command, mortal: Servers, good_source: str) -> None:
    """After a few tries: which server, for which object."""
    running = command.start_run(good_source)
    running.wait_for("features: running")
    mortal.kill("s3")
    try:
        running.finish().assert_told(4, mortal.settings.s3_endpoint, "does not answer", "s3://", "driftloop status")
    finally:
        mortal.bring_back()


def test_mlflow_that_dies_is_named(command: Command, mortal: Servers, good_source: str) -> None:
    """After as many tries as the user wants: which server."""
    running = command.with_env(MLFLOW_HTTP_REQUEST_MAX_RETRIES="2").start_run(good_source)
    running.wait_for("features: running")
    mortal.kill("mlflow")
    ended = running.finish()
    ended.assert_told(4, mortal.settings.mlflow_tracking_uri, "does not answer", "driftloop status")
    assert "train" not in ended.err
    assert "Retrying" in (command.last_run() / "run.log").read_text()
