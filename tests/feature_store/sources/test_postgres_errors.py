"""What reading from PostgreSQL fails with, on a real server."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from contracts.errors import ConfigError, DataError, DriftloopError, UnavailableError
from feature_store.sources.postgres import PostgresSource
from feature_store.sources.source import BATCH_ROWS, Table
from tests.feature_store.sources.postgres_server import PASSWORD, PostgresServer


def refusal(dsn: str) -> DriftloopError:
    """What reading from an address fails with."""
    with pytest.raises(DriftloopError) as caught:
        list(PostgresSource(dsn).read(Table("trips", None, ("at",)), None))
    return caught.value


def test_missing_table_tells_of_schemas(postgres: PostgresServer) -> None:
    """Where a table is missing, the error says how to name another schema."""
    error = refusal(postgres.dsn())

    assert isinstance(error, DataError)
    assert "There is no table 'trips' in postgresql:///postgres" in error.what
    assert "search_path" in error.remedy


def test_wrong_credentials(postgres: PostgresServer, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong password is the user's to mend, and appears nowhere."""
    caplog.set_level(logging.DEBUG)

    error = refusal(postgres.dsn(password="not-the-word"))

    assert isinstance(error, ConfigError)
    assert "password authentication failed" in str(error)
    assert "not-the-word" not in f"{error!r} {caplog.text}"
    assert (error.__cause__, error.__suppress_context__) == (None, True)


def test_no_password(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An address without a password, with none in the environment, is the user's to mend."""
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))

    assert isinstance(refusal(postgres.dsn(password=None)), ConfigError)


def test_password_from_the_environment(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """PGPASSWORD serves where the address has no password."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)

    assert "There is no table 'trips'" in str(refusal(postgres.dsn(password=None)))


@pytest.mark.parametrize(("user", "database"), [("nobody", "postgres"), ("owner", "nowhere")])
def test_unknown_user_or_database(postgres: PostgresServer, user: str, database: str) -> None:
    """A user or database that does not exist is the user's to mend."""
    assert isinstance(refusal(postgres.dsn(user=user, database=database)), ConfigError)


@pytest.mark.parametrize("parameter", [{"wrong": "1"}, {"sslmode": "wrong"}, {"options": "-cwrong=1"}])
def test_wrong_parameter(postgres: PostgresServer, parameter: dict[str, str]) -> None:
    """A parameter of the address that libpq or the server does not know is the user's to mend."""
    assert isinstance(refusal(postgres.dsn(**parameter)), ConfigError)


def test_forbidden_table(postgres: PostgresServer, place: str) -> None:
    """A table the role may not read is named, as the user's to mend."""
    postgres.run(f"CREATE ROLE {place} LOGIN PASSWORD 'own'", "CREATE TABLE public.hidden (at int)")
    source = PostgresSource(postgres.dsn(place, "own"))

    with pytest.raises(ConfigError, match=r"refused table 'hidden' .*permission denied"):
        list(source.read(Table("hidden", None, ("at",)), None))


@pytest.mark.parametrize("place", ["127.0.0.1:1/postgres", "/postgres?host=/nowhere", "no-such-host.invalid/postgres"])
def test_server_away(place: str) -> None:
    """A server that does not answer is UnavailableError, without the password."""
    error = refusal(f"postgresql://owner:word@{place}")

    assert isinstance(error, UnavailableError)
    assert "word" not in str(error)


def test_server_killed_midway(doomed_postgres: PostgresServer) -> None:
    """A server that dies between two batches is UnavailableError: never a short table."""
    doomed_postgres.run(f"CREATE TABLE trips AS SELECT n AS at FROM generate_series(1, {3 * BATCH_ROWS}) n")
    batches = PostgresSource(doomed_postgres.dsn()).read(Table("trips", None, ("at",)), None)
    assert len(next(batches)) == BATCH_ROWS

    doomed_postgres.kill()

    with pytest.raises(UnavailableError, match="broke off, for table 'trips'"):
        list(batches)


def test_read_ended_by_the_server(postgres: PostgresServer, place: str) -> None:
    """A read whose connection an administrator ends is UnavailableError, in the server's words."""
    postgres.run(
        f"CREATE SCHEMA {place}", f"CREATE TABLE {place}.trips AS SELECT generate_series(1, {BATCH_ROWS + 1}) n"
    )
    name = {"options": f"-csearch_path={place}", "application_name": place}
    batches = PostgresSource(postgres.dsn(**name)).read(Table("trips", None, ("n",)), None)
    next(batches)

    postgres.run(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '{place}'")

    with pytest.raises(UnavailableError, match=r"terminating connection due to administrator command"):
        list(batches)


def test_query_that_fails_midway(postgres: PostgresServer, place: str) -> None:
    """A view that fails on some row is DataError with the server's reason."""
    last = BATCH_ROWS + 9
    select = f"SELECT 1 / ({last} - n) AS n FROM generate_series(1, {last}) n"
    postgres.run(f"CREATE SCHEMA {place}", f"CREATE VIEW {place}.trips AS {select}")
    batches = PostgresSource(postgres.dsn(options=f"-csearch_path={place}")).read(Table("trips", None, ("n",)), None)
    next(batches)

    with pytest.raises(DataError, match=r"could not read table 'trips' in .* \(ERROR: +division by zero\)"):
        list(batches)
