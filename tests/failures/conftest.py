"""`driftloop run` on real servers, with a few days of real rows; whatever happens, nothing may be left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from components.tracking import Tracking
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window
from tests.failures.command import Command, Ended
from tests.failures.flights import Tables, corrupted, keep, real
from tests.failures.registered import Registered, lake_objects

BUCKET = "failures"
"""Of the data layers and the sources of these tests."""


@pytest.fixture(scope="session")
def tables() -> Tables:
    """The days of `command.DAYS` and their look-back."""
    return real(Window.parse("2012-12-31", "2013-01-08"))


@pytest.fixture(scope="session")
def store(services: Settings) -> ObjectStore:
    """The S3 server, with the bucket."""
    store = ObjectStore(services)
    store.ensure_bucket(BUCKET)
    return store


@pytest.fixture(scope="session")
def tracking(services: Settings) -> Tracking:
    """The MLflow server."""
    return Tracking(services.mlflow_tracking_uri)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """A prefix of the test's own."""
    return f"s3://{BUCKET}/sources/{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower())}/"


@pytest.fixture(scope="session")
def good_source(store: ObjectStore, tables: Tables) -> str:
    """Rows with nothing wrong."""
    return keep(store, f"s3://{BUCKET}/sources/good/", tables)


@pytest.fixture(scope="session")
def servers_env(plain_env: dict[str, str], services: Settings) -> dict[str, str]:
    """An environment that says where the session's servers are."""
    return {**plain_env, "DRIFTLOOP_DATA_BUCKET": BUCKET, **_addresses(services)}


@pytest.fixture
def command(tmp_path: Path, servers_env: dict[str, str]) -> Iterator[Command]:
    """The command line in a home of its own, which the test must leave clean."""
    command = Command(tmp_path / "home", servers_env, tmp_path / "temporary")
    yield command
    command.assert_nothing_left()


@pytest.fixture
def nothing_stored(tracking: Tracking, store: ObjectStore) -> Iterator[None]:
    """Afterwards MLflow has the same versions, aliases and open runs, and every object in the lake is whole."""
    before = Registered.now(tracking)
    yield
    assert Registered.now(tracking) == before
    lake_objects(store, BUCKET)


@pytest.fixture(scope="session")
def two_percent(tables: Tables) -> tuple[Tables, int]:
    """Rows of which one in fifty flights is bad, and how many those are."""
    flights, count = corrupted(tables["flights"], 0.02)
    return {**tables, "flights": flights}, count


@pytest.fixture(scope="session")
def baseline_command(tmp_path_factory: pytest.TempPathFactory, servers_env: dict[str, str]) -> Command:
    """Where the baseline ran."""
    folder = tmp_path_factory.mktemp("baseline")
    return Command(folder / "home", servers_env, folder / "temporary")


@pytest.fixture(scope="session")
def rough_source(store: ObjectStore, two_percent: tuple[Tables, int]) -> str:
    """The rows of `two_percent` as CSV."""
    return keep(store, f"s3://{BUCKET}/sources/rough/", two_percent[0], flights_as="csv")


@pytest.fixture(scope="session")
def baseline(baseline_command: Command, rough_source: str) -> Ended:
    """A run that went well, though one row in fifty is bad: what other runs are compared with."""
    ended = baseline_command.run(rough_source, "--json")
    baseline_command.assert_nothing_left()
    assert ended.exit_code == 0, ended.err
    return ended


def _addresses(settings: Settings) -> Mapping[str, str]:
    return {
        "AWS_ENDPOINT_URL_S3": settings.s3_endpoint,
        "AWS_ACCESS_KEY_ID": settings.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key,
        "AWS_REGION": settings.s3_region,
        "MLFLOW_TRACKING_URI": settings.mlflow_tracking_uri,
    }
