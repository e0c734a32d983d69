"""Sources of every kind on real servers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.feature_store.sources import postgres_server
from tests.feature_store.sources.kept import OBJECT_KINDS, Keep, in_objects, in_postgres
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
