"""Tables of a PostgreSQL database, streamed as Arrow batches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pyarrow as pa
from adbc_driver_postgresql import StatementOptions, dbapi

from contracts.errors import ConfigError, DataError, DriftloopError, UnavailableError
from contracts.window import Window
from feature_store.sources.conform import conform, require_columns
from feature_store.sources.dsn import Dsn
from feature_store.sources.source import BATCH_ROWS, Table

_TIMES = ("date", "timestamp", "timestamptz")
_FINITE = "CASE WHEN isfinite({0}) THEN {0} END"  # the driver gives a wrong instant for ±infinity, Arrow has none
_SELECT_AS = {
    "numeric": "{0}::float8",
    "money": "{0}::numeric::float8",
    "bpchar": "{0}::text",
    "interval": "{0}::text",
    **dict.fromkeys(_TIMES, _FINITE),
}
"""How a type is selected: numbers as float64, padded text without its padding, infinite times as NULL."""


class PostgresSource:
    """Tables and views of one database, by name, in the schemas of the search path.

    For another schema add `?options=-csearch_path%3Dname` to the address. Times without a zone are UTC.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = Dsn.parse(dsn)

    def read(self, table: Table, window: Window | None) -> Iterator[pa.RecordBatch]:
        """See feature_store.sources.source.Source. One snapshot: all batches are of one moment."""
        where = f"table {table.name!r} in {self._dsn.place}"
        with _translated(self._dsn, where), _cursor(self._dsn) as cursor:
            schema = cursor.adbc_execute_schema(f"SELECT * FROM {_quoted(table.name)}")  # noqa: S608 - quoted
            require_columns(table, schema.names, where)
            for batch in _fetched(cursor, table, schema, window):
                yield from conform(batch, table, window, where)


@contextmanager
def _cursor(dsn: Dsn) -> Iterator[dbapi.Cursor]:
    with closing(dbapi.connect(dsn.uri)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        yield cursor


def _fetched(cursor: dbapi.Cursor, table: Table, schema: pa.Schema, window: Window | None) -> Iterator[pa.RecordBatch]:
    """A server-side cursor: the driver would hold the whole result of a query with bound parameters."""
    query, bounds = _query(table, schema, window)
    cursor.execute(f"DECLARE batches NO SCROLL CURSOR FOR {query}", bounds)
    cursor.adbc_statement.set_options(**{StatementOptions.USE_COPY.value: "false"})  # there is no COPY of a FETCH
    while True:
        cursor.execute(f"FETCH {BATCH_ROWS} FROM batches")
        fetched = cursor.fetch_arrow_table()
        if not fetched.num_rows:
            return
        yield from fetched.to_batches()


def _query(table: Table, schema: pa.Schema, window: Window | None) -> tuple[str, tuple[object, ...] | None]:
    columns = ", ".join(f"{_selected(schema.field(name))} AS {_quoted(name)}" for name in table.columns)
    query = f"SELECT {columns} FROM {_quoted(table.name)}"  # noqa: S608 - every name in it is quoted
    time = table.time_column
    if window is None or time is None or _type_of(schema.field(time)) not in _TIMES:
        return query, None  # times kept as text are compared once they are read
    bounds = f"{_quoted(time)} >= $1::timestamptz AND {_quoted(time)} < $2::timestamptz"
    return f"{query} WHERE {bounds}", (window.start_time, window.end_time)


def _selected(field: pa.Field) -> str:
    opaque = isinstance(field.type, pa.BaseExtensionType)
    return _SELECT_AS.get(_type_of(field), "{0}::text" if opaque else "{0}").format(_quoted(field.name))


def _type_of(field: pa.Field) -> str:
    """PostgreSQL's name of a column's type, as the driver reports it."""
    return str((field.metadata or {}).get(b"POSTGRESQL:type", b""), "utf-8")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _translated(dsn: Dsn, where: str) -> Iterator[None]:
    try:
        yield
    except dbapi.Error as error:
        # Not chained: the driver's own text may hold the password.
        raise _explain(error, dsn.redacted(_told(error)), where) from None


_PREFIX = re.compile(r"^[A-Z_]+: (\[libpq\] )?(Failed to \w+( query( '.*')?)?: )?")


def _told(error: dbapi.Error) -> str:
    """What the server said, without the driver's prefix and libpq's hints; a line for each host that refused."""
    lines = [line for line in _PREFIX.sub("", str(error)).splitlines() if line and not line.startswith("\t")]
    told = lines[:1] if error.sqlstate else lines
    return "; ".join(line.strip().rstrip(".") for line in told)


_REFUSED = re.compile(r"FATAL:|^invalid|^missing|no password|certificate|sslmode|not support SSL|SSL was required")
_NOT_NOW = re.compile(r"starting up|shutting down|shutdown|recovery|not (yet )?accepting|too many|slots|terminating")


def _is_refusal(text: str) -> bool:
    """Whether a connection failed for good; libpq gives no code for that, only text (and names, in quotes)."""
    plain = re.sub(r'"[^"]*"', "", text)
    return bool(_REFUSED.search(plain)) and not _NOT_NOW.search(plain)


def _explain(error: dbapi.Error, text: str, where: str) -> DriftloopError:
    state = error.sqlstate or ""
    if state in ("42P01", "3F000"):
        return DataError(
            f"There is no {where} ({text}).", "Create it, or name its schema: ?options=-csearch_path%3Dname."
        )
    if state == "42501" or (not state and _is_refusal(text)):
        return ConfigError(
            f"PostgreSQL refused {where} ({text}).", "Check the address: user, password, database, parameters."
        )
    if state.startswith(("22", "42", "0A")):
        return DataError(f"PostgreSQL could not read {where} ({text}).")
    return UnavailableError(
        f"PostgreSQL does not answer, or broke off, for {where} ({text}).", "Check the server and run again."
    )
