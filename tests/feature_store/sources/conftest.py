"""Sources of every kind on real servers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from contracts.objects import ObjectStore
from contracts.settings import Settings
from feature_store.sources.objects import ObjectsSource
from tests.feature_store.sources import postgres_server
from tests.feature_store.sources.kept import OBJECT_KINDS, Keep, in_objects, in_postgres
from tests.feature_store.sources.numbered import Put
from tests.feature_store.sources.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole session."""
    with postgres_server.running() as server:
        yield server


@pytest.fixture
def doomed_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that the test may kill."""
    with postgres_server.running() as server:
        yield server


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """A name of the test's own, for a schema or a folder."""
    return re.sub(r"\W", "_", request.node.name.removeprefix("test_"))[:60].lower()


@pytest.fixture(params=["postgresql", *OBJECT_KINDS])
def keep(request: pytest.FixtureRequest, place: str) -> Keep:
    """Each kind of source in turn."""
    if request.param == "postgresql":
        return in_postgres(request.getfixturevalue("postgres"), place)
    return in_objects(request.getfixturevalue("s3_settings"), place, OBJECT_KINDS[request.param])


@pytest.fixture
def prefix(s3_settings: Settings, place: str) -> str:
    """A prefix of the test's own."""
    return f"s3://{s3_settings.data_bucket}/{place}/"


@pytest.fixture
def put(s3_settings: Settings, prefix: str) -> Put:
    """Store bodies by name; the source of their prefix."""
    store = ObjectStore(s3_settings)

    def put_all(bodies: dict[str, bytes]) -> ObjectsSource:
        for name, body in bodies.items():
            store.put(prefix + name, body)
        return ObjectsSource(store, prefix)

    return put_all
