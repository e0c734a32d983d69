"""Files of a registered version that somebody changed on S3."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mlflow import MlflowClient

from components.registry import Registry, Version
from components.tracking import Tracking
from contracts.model import ModelCard
from contracts.objects import ObjectStore
from tests.failures.command import SECONDS, Command, Ended
from tests.failures.registered import LOOP
from tests.failures.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS), pytest.mark.usefixtures("nothing_registered")]


@pytest.fixture
def changed(baseline: Ended, servers: Servers, store: ObjectStore) -> Iterator[Version]:
    """The baseline's version with another byte in its model."""
    registry = Registry(Tracking(servers.settings.mlflow_tracking_uri))
    version = registry.resolve(f"{LOOP}/{baseline.body['version']}")
    uri = f"{version.model_uri}model.ubj"
    body = store.get(uri)
    store.put(uri, body[:-2] + bytes([body[-2] ^ 1]) + body[-1:])
    yield version
    store.put(uri, body)


@pytest.fixture
def changed_champion(changed: Version, client: MlflowClient) -> Iterator[Version]:
    """The same as the champion."""
    client.set_registered_model_alias(LOOP, "champion", changed.number)
    yield changed
    client.delete_registered_model_alias(LOOP, "champion")


def test_a_version_that_was_changed_is_not_served(command: Command, changed: Version) -> None:
    """Nor made the champion, nor shown as if it were what was registered."""
    deployed = command.start("deploy", f"{LOOP}/{changed.number}").finish()
    deployed.assert_told(8, "model.ubj has sha256", changed.model_sha256)
    command.start("lineage", f"{LOOP}/{changed.number}").finish().assert_told(8, "model.ubj has sha256")
    command.assert_no_process()


def test_a_champion_that_was_changed_stops_the_run(
    command: Command, changed_champion: Version, baseline: Ended, rough_source: str
) -> None:
    """Nothing is compared with it: which file, and both digests. (Another seed has made another model.)"""
    ended = command.run(rough_source, "--set=train.seed=14")
    ended.assert_told(8, "model.ubj has sha256", changed_champion.model_sha256, "changed after registration")
    challenger = ModelCard.read(command.written("select", "challenger"))
    assert challenger.model_sha256 != baseline.body["model_sha256"]
