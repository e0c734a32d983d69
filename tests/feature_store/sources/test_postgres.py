"""PostgreSQL as a source, on a real server."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from contracts.errors import DataError
from contracts.window import Window
from feature_store.sources.postgres import PostgresSource
from feature_store.sources.source import BATCH_ROWS, Table
from tests.feature_store.sources.postgres_server import PostgresServer

NOON = datetime(2013, 1, 2, 12, tzinfo=UTC)
DAY = Window(date(2013, 1, 2), date(2013, 1, 3))


def only_row(server: PostgresServer, schema: str, *definitions: str) -> pa.RecordBatch:
    """The one row of a table whose columns are given as `name type value`."""
    parts = [definition.split(" ", 2) for definition in definitions]
    select = ", ".join(f"{value}::{kind} AS {name}" for name, kind, value in parts)
    server.run(f"CREATE SCHEMA {schema}", f"CREATE TABLE {schema}.things AS SELECT {select}")
    source = PostgresSource(server.dsn(options=f"-csearch_path={schema}"))
    (batch,) = source.read(Table("things", None, tuple(name for name, _, _ in parts)), None)
    return batch


def test_numbers(postgres: PostgresServer, place: str) -> None:
    """Integers keep their width; numeric, decimal and money are float64."""
    row = only_row(
        postgres, place, "a smallint 1", "b int 2", "c bigint 3", "d real 0.5", "e numeric 'NaN'",
        "f numeric(9,2) 1.25", "g money 12.5", "h numeric 'infinity'", "i numeric NULL",
    )  # fmt: skip

    doubles = [pa.float64()] * 5
    assert row.schema.types == [pa.int16(), pa.int32(), pa.int64(), pa.float32(), *doubles]
    values = [column[0].as_py() for column in row.columns]
    assert values[:4] + values[5:] == [1, 2, 3, 0.5, 1.25, 12.5, float("inf"), None]
    assert values[4] != values[4]


def test_texts(postgres: PostgresServer, place: str) -> None:
    """Text of any kind is text: padding goes, and what Arrow has no type for is written out."""
    postgres.run("CREATE TYPE mood AS ENUM ('glad', 'sad')", "CREATE DOMAIN code AS varchar(5)")
    row = only_row(
        postgres, place, "a text 'naïve 東京'", "b char(6) 'N123'", "c mood 'sad'", "d code 'EWR'", "e jsonb '{}'",
        "f uuid '00000000-0000-0000-0000-000000000001'", "g inet '10.0.0.1'", "h interval '1 day'",
    )  # fmt: skip

    assert set(row.schema.types) == {pa.string()}
    assert list(row.to_pylist()[0].values()) == [
        "naïve 東京", "N123", "sad", "EWR", "{}", "00000000-0000-0000-0000-000000000001", "10.0.0.1/32", "1 day",
    ]  # fmt: skip


def test_infinite_times_are_null(postgres: PostgresServer, place: str) -> None:
    """An infinite time, which Arrow cannot hold, is NULL and not some instant."""
    row = only_row(postgres, place, "a timestamptz 'infinity'", "b timestamp '-infinity'", "c date 'infinity'")

    assert row.to_pylist() == [{"a": None, "b": None, "c": None}]


def test_number_too_large(postgres: PostgresServer, place: str) -> None:
    """A numeric that float64 cannot hold is an error that says so, not an infinity."""
    with pytest.raises(DataError, match="out of range for type double precision"):
        only_row(postgres, place, "a numeric 1e400")


def test_times_without_zone_are_utc(postgres: PostgresServer, place: str) -> None:
    """A time without a zone is UTC even where the role's own zone is another."""
    postgres.run(
        f"CREATE ROLE {place} LOGIN SUPERUSER PASSWORD 'own'",
        f"ALTER ROLE {place} SET timezone TO 'America/New_York'",
        f"CREATE SCHEMA {place}",
        f"CREATE TABLE {place}.trips AS SELECT '2013-01-02 22:00'::timestamp AS at",
    )
    source = PostgresSource(postgres.dsn(place, "own", options=f"-csearch_path={place}"))
    table = Table("trips", "at", ("at",))

    assert [batch.to_pylist() for batch in source.read(table, DAY)] == [[{"at": NOON.replace(hour=22)}]]
    assert list(source.read(table, Window(date(2013, 1, 3), date(2013, 1, 4)))) == []


def test_names_are_quoted(postgres: PostgresServer, place: str) -> None:
    """Names with capitals, spaces, quotes and SQL in them are names only."""
    name, column, time = '"; DROP TABLE x; --', 'Arr "Delay"', "At %s $1 {0}"
    quoted_name, quoted_column = '"""; DROP TABLE x; --"', '"Arr ""Delay"""'
    values = f"1.5::numeric AS {quoted_column}, '2013-01-02 12:00Z'::timestamptz AS \"{time}\""
    postgres.run(f"CREATE SCHEMA {place}", f"CREATE TABLE {place}.{quoted_name} AS SELECT {values}")
    source = PostgresSource(postgres.dsn(options=f"-csearch_path={place}"))

    (batch,) = source.read(Table(name, time, (column, time)), DAY)

    assert batch.to_pylist() == [{column: 1.5, time: NOON}]


def test_view_is_a_table(postgres: PostgresServer, place: str) -> None:
    """A view and a materialized view can be read."""
    postgres.run(
        f"CREATE SCHEMA {place}",
        f"CREATE VIEW {place}.seen AS SELECT 1 AS n",
        f"CREATE MATERIALIZED VIEW {place}.kept AS SELECT 2 AS n",
    )
    source = PostgresSource(postgres.dsn(options=f"-csearch_path={place}"))

    found = [batch.to_pylist() for name in ("seen", "kept") for batch in source.read(Table(name, None, ("n",)), None)]

    assert found == [[{"n": 1}], [{"n": 2}]]


def test_one_snapshot(postgres: PostgresServer, place: str) -> None:
    """Rows written while a table is read are not in it."""
    postgres.run(
        f"CREATE SCHEMA {place}", f"CREATE TABLE {place}.trips AS SELECT generate_series(1, {BATCH_ROWS + 1}) n"
    )
    source = PostgresSource(postgres.dsn(options=f"-csearch_path={place}"))
    batches = source.read(Table("trips", None, ("n",)), None)
    first = next(batches)

    postgres.run(f"DELETE FROM {place}.trips", f"INSERT INTO {place}.trips VALUES (0), (0), (0)")

    assert len(first) + sum(len(batch) for batch in batches) == BATCH_ROWS + 1
