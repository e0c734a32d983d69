"""Runs and experiments in one SQLite file: what was answered is on the disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import RLock

from contracts.errors import BusyError, ConfigError
from pocket.kfp_api.api_error import NOT_FOUND, ApiError, Json
from pocket.kfp_api.listing import KEYS, Listing, Predicate

_SQL = {
    "EQUALS": "{0} = ?",
    "NOT_EQUALS": "{0} <> ?",
    "GREATER_THAN": "{0} > ?",
    "GREATER_THAN_EQUALS": "{0} >= ?",
    "LESS_THAN": "{0} < ?",
    "LESS_THAN_EQUALS": "{0} <= ?",
    "IN": "{0} IN (SELECT value FROM json_each(?))",
    "IS_SUBSTRING": "instr({0}, ?) > 0",
}
_TABLE = """
CREATE TABLE IF NOT EXISTS {0} (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS {0}_by_name ON {0} (ifnull(json_extract(body, '$.display_name'), ''));
CREATE INDEX IF NOT EXISTS {0}_by_state ON {0} (ifnull(json_extract(body, '$.state'), ''));
CREATE INDEX IF NOT EXISTS {0}_by_time ON {0} (ifnull(json_extract(body, '$.created_at'), ''), number);
"""
# Names of tables and keys come from KEYS alone, values are always parameters.
# ruff: noqa: S608


class Documents:
    """One process's hold of the file, for all its threads. Collections are those of `listing.KEYS`."""

    def __init__(self, path: Path) -> None:
        self._database = _opened(path)
        self._lock = RLock()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    def add(self, collection: str, key: str, body: Json) -> None:
        """Store a new document."""
        with self._lock:
            self._database.execute(f"INSERT INTO {collection} (id, body) VALUES (?, ?)", (key, json.dumps(body)))

    def get(self, collection: str, key: str) -> Json:
        """A document. ApiError if there is none."""
        with self._lock:
            found = self._database.execute(f"SELECT body FROM {collection} WHERE id = ?", (key,)).fetchone()
        if not found:
            raise ApiError(NOT_FOUND, f"{collection[:-1].capitalize()} {key[:80]} not found.")
        return _read(found[0])

    def change(self, collection: str, key: str, how: Callable[[Json], None]) -> Json:
        """Change a document in place, and what it is then. Nothing changes if `how` raises."""
        with self._lock:
            body = self.get(collection, key)
            how(body)
            self._database.execute(f"UPDATE {collection} SET body = ? WHERE id = ?", (json.dumps(body), key))
            return body

    def remove(self, collection: str, key: str) -> None:
        """Forget a document."""
        with self._lock:
            self._database.execute(f"DELETE FROM {collection} WHERE id = ?", (key,))

    def page(self, wanted: Listing) -> tuple[list[Json], int, str]:
        """The documents of a page, how many there are on all pages, and the token of the next page or ''."""
        where, values = _where(wanted.predicates)
        sort, order = _expression(wanted.sort_key), "DESC" if wanted.descending else "ASC"
        place = wanted.after or ()
        rest = ""
        if place:
            rest = f" AND ({sort}, number) {'<' if wanted.descending else '>'} (?, ?)"
        select = f"SELECT body, {sort}, number FROM {wanted.collection} WHERE {where}{rest}"
        with self._lock:
            count = self._database.execute(f"SELECT count(*) FROM {wanted.collection} WHERE {where}", values)
            total: int = count.fetchone()[0]
            ordered = f"{select} ORDER BY {sort} {order}, number {order} LIMIT ?"
            rows = self._database.execute(ordered, (*values, *place, wanted.size + 1)).fetchall()
        shown = rows[: wanted.size]
        token = wanted.token(*shown[-1][1:]) if len(rows) > wanted.size else ""
        return [_read(row[0]) for row in shown], total, token


def _where(predicates: tuple[Predicate, ...]) -> tuple[str, list[str]]:
    terms = ["1"] + [_SQL[one.operation].format(_expression(one.key)) for one in predicates]
    return " AND ".join(terms), [
        json.dumps(one.values) if one.operation == "IN" else one.values[0] for one in predicates
    ]


def _expression(key: str) -> str:
    return f"ifnull(json_extract(body, '$.{key}'), '')"


def _read(text: str) -> Json:
    body: Json = json.loads(text)
    return body


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")  # one server a file
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        for collection in KEYS:
            database.executescript(_TABLE.format(collection))
    except sqlite3.OperationalError as error:
        database.close()
        raise BusyError(f"{path} cannot be opened: {error}.", "Stop the server that holds it.") from error
    except sqlite3.DatabaseError as error:
        database.close()
        raise ConfigError(f"{path} is not a store of runs ({error}).", "Delete it.") from error
    return database
