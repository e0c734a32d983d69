"""Objects and what has happened to them, in one SQLite file: what was answered is on the disk."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import BusyError, ConfigError
from pocket.kubernetes.kinds import Kind
from pocket.kubernetes.status_error import Json, StatusError

KEPT_CHANGES = 2_000
"""A watch that asks for older ones is told to list again."""
_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
  kind TEXT, namespace TEXT, name TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (
  version INTEGER PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL, before TEXT, after TEXT
);
"""


@dataclass(frozen=True)
class Change:
    """An object before and after a write; None where there was or is none."""

    kind: Kind
    before: Json | None
    after: Json | None

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace and name."""
        metadata = (self.after or self.before or {})["metadata"]
        return self.kind.resource, metadata.get("namespace", ""), metadata["name"]


class Store:
    """One process's hold of the file. `commit` is atomic and wakes whoever waits."""

    def __init__(self, path: Path) -> None:
        self._database = _opened(path)
        self.version: int = self._database.execute("SELECT coalesce(max(version), 0) FROM changes").fetchone()[0]
        self._news = asyncio.Event()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def get(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """One object."""
        wanted = "SELECT body FROM objects WHERE kind = ? AND namespace = ? AND name = ?"
        found = self._database.execute(wanted, (kind.resource, namespace, name)).fetchone()
        return _read(found[0]) if found else None

    def all(self, kind: Kind, namespace: str | None) -> list[Json]:
        """Objects of a kind, of one namespace or of all, in order of their names."""
        wanted = "SELECT body FROM objects WHERE kind = ? AND (? IS NULL OR namespace = ?) ORDER BY namespace, name"
        rows = self._database.execute(wanted, (kind.resource, namespace, namespace))
        return [json.loads(body) for (body,) in rows]

    def commit(self, changes: Sequence[Change]) -> None:
        """Write all changes or none, each with a resourceVersion of its own, which it sets in the object."""
        version = self.version
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            for change in changes:
                version += 1
                self._write(change, version)
            self._database.execute("DELETE FROM changes WHERE version <= ?", (version - KEPT_CHANGES,))
        self.version = version
        self._news.set()
        self._news = asyncio.Event()

    def changes(self, version: int, kind: Kind, namespace: str | None) -> list[tuple[int, Json | None, Json | None]]:
        """(version, before, after) of every later change. StatusError 410 if some of them are forgotten."""
        oldest = self._database.execute("SELECT coalesce(min(version), 1) FROM changes").fetchone()[0]
        if version < oldest - 1 or version > self.version:
            raise StatusError(410, f"too old resource version: {version} ({self.version}); list again")
        wanted = (
            "SELECT version, before, after FROM changes"
            " WHERE version > ? AND kind = ? AND (? IS NULL OR namespace = ?) ORDER BY version"
        )
        rows = self._database.execute(wanted, (version, kind.resource, namespace, namespace))
        return [(number, _read(before), _read(after)) for number, before, after in rows]

    async def wait(self, version: int, seconds: float) -> None:
        """Until there is something later than a version, or the time is over."""
        news = self._news
        if self.version == version:
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), seconds)

    def _write(self, change: Change, version: int) -> None:
        last = change.after or change.before or {}
        last["metadata"]["resourceVersion"] = str(version)
        before, after = _text(change.before), _text(change.after)
        if after is None:
            where = "DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?"
            self._database.execute(where, change.key)
        else:
            self._database.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", (*change.key, after))
        kind, namespace, _ = change.key
        self._database.execute("INSERT INTO changes VALUES (?, ?, ?, ?, ?)", (version, kind, namespace, before, after))


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=1, isolation_level=None)
    try:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")  # one server a file
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(_TABLES)
    except sqlite3.OperationalError as error:
        database.close()
        raise BusyError(f"{path} cannot be opened: {error}.", "Stop the server that holds it.") from error
    except sqlite3.DatabaseError as error:
        database.close()
        raise ConfigError(
            f"{path} is not a store of objects ({error}).", "Delete it; apply your objects again."
        ) from error
    return database


def _text(obj: Json | None) -> str | None:
    return None if obj is None else json.dumps(obj, separators=(",", ":"))


def _read(text: str | None) -> Json | None:
    return None if text is None else json.loads(text)
