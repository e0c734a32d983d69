"""`driftloop run` on real servers, with a few days of real rows; whatever happens, nothing may be left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient

from components.tracking import Tracking
from contracts.objects import ObjectStore
from contracts.window import Window
from pocket import services
from pocket.progress import silent
from tests.failures.command import Command, Ended, Running
from tests.failures.flights import Tables, corrupted, keep, real
from tests.failures.registered import aliases, half_stored_models, lake_objects, open_runs, statuses, versions
from tests.failures.servers import Servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, plain_env: dict[str, str]) -> Iterator[Servers]:
    """Servers of these tests' own, for some tests kill them. In the end MLflow must hold nothing half done."""
    servers = Servers.started(tmp_path_factory.mktemp("failures") / "home", plain_env)
    yield servers
    client = Tracking(servers.settings.mlflow_tracking_uri).client
    left = open_runs(client), half_stored_models(client)
    servers.stop()
    assert left == (set(), set())


@pytest.fixture(scope="session")
def store(servers: Servers) -> ObjectStore:
    """The S3 server."""
    return ObjectStore(servers.settings)


@pytest.fixture(scope="session")
def bucket(servers: Servers) -> str:
    """Of the data layers, and of the sources of these tests."""
    return servers.settings.data_bucket


@pytest.fixture(scope="session")
def client(servers: Servers) -> MlflowClient:
    """The MLflow server's."""
    return Tracking(servers.settings.mlflow_tracking_uri).client


@pytest.fixture(scope="session")
def tables() -> Tables:
    """The days of `command.DAYS` and their look-back."""
    return real(Window.parse("2012-12-31", "2013-01-08"))


@pytest.fixture
def place(request: pytest.FixtureRequest, bucket: str) -> str:
    """A prefix of the test's own."""
    return f"s3://{bucket}/sources/{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower())}/"


@pytest.fixture(scope="session")
def good_source(store: ObjectStore, bucket: str, tables: Tables) -> str:
    """Rows with nothing wrong."""
    return keep(store, f"s3://{bucket}/sources/good/", tables)


@pytest.fixture(scope="session")
def shared_command(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Command]:
    """A command line in a home whose pipelines API is up, for all tests that do without one of their own."""
    folder = tmp_path_factory.mktemp("shared")
    command = Command(folder / "home", servers.env, folder / "temporary")
    command.folder.mkdir()
    services.up(command.home, command.full_env, silent, pipelines=True)
    yield command
    command.down()


@pytest.fixture
def command(shared_command: Command) -> Iterator[Command]:
    """The same, which the test must leave clean."""
    with _clean_afterwards(shared_command) as command:
        yield command


@pytest.fixture
def other_command(tmp_path: Path, servers: Servers) -> Iterator[Command]:
    """A command line in a home of its own, in which nothing runs before."""
    with _clean_afterwards(Command(tmp_path / "home", servers.env, tmp_path / "temporary")) as command:
        try:
            yield command
        finally:
            command.down()


@contextmanager
def _clean_afterwards(command: Command) -> Iterator[Command]:
    try:
        yield command
        command.assert_nothing_left()
    finally:
        command.kill_all()


@pytest.fixture
def nothing_registered(command: Command, client: MlflowClient, store: ObjectStore, bucket: str) -> Iterator[None]:
    """Afterwards no alias has moved, no run is open, no version comes from one, and all objects of the lake are whole.

    Of this test's commands: the baseline may be in progress.
    """
    champion = aliases(client).get("champion")
    yield
    assert aliases(client).get("champion") == champion
    for run_id in command.mlflow_runs():
        assert "RUNNING" not in statuses(client, run_id)
        assert run_id not in versions(client).values()
    lake_objects(store, bucket)


@pytest.fixture(scope="session")
def two_percent(tables: Tables) -> tuple[Tables, int]:
    """Rows of which one in fifty flights is bad, and how many those are."""
    flights, count = corrupted(tables["flights"], 0.02)
    return {**tables, "flights": flights}, count


@pytest.fixture(scope="session")
def rough_source(store: ObjectStore, bucket: str, two_percent: tuple[Tables, int]) -> str:
    """The rows of `two_percent`, as CSV."""
    return keep(store, f"s3://{bucket}/sources/rough/", two_percent[0], flights_as="csv")


@pytest.fixture(scope="session")
def baseline_command(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Command:
    """Where the baseline runs."""
    folder = tmp_path_factory.mktemp("baseline")
    return Command(folder / "home", servers.env, folder / "temporary")


@pytest.fixture(scope="session", autouse=True)
def baseline_begun(request: pytest.FixtureRequest) -> Iterator[Running | None]:
    """The baseline, if any test asks for it, started before the tests that do not: they have a core to spare."""
    if not any("baseline" in getattr(item, "fixturenames", ()) for item in request.session.items):
        yield None
        return
    command, source = request.getfixturevalue("baseline_command"), request.getfixturevalue("rough_source")
    running = command.start_run(source, "--json")
    yield running
    command.down()
    command.kill_all()
    running.process.communicate()


@pytest.fixture(scope="session")
def baseline(baseline_begun: Running, baseline_command: Command) -> Ended:
    """A run that went well, though one row in fifty is bad: what other runs are compared with."""
    ended = baseline_begun.finish()
    baseline_command.down()
    baseline_command.assert_nothing_left()
    assert ended.exit_code == 0, ended.err
    return ended
