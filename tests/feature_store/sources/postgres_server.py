"""A real PostgreSQL server from its Debian package, in a folder of its own, reached over a Unix socket only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
from adbc_driver_postgresql import dbapi

OWNER, PASSWORD = "owner", "s3cr3t:/@ pässword"
START_TIMEOUT_SECONDS = 60
OPTIONS = ("fsync=off", "full_page_writes=off", "max_wal_size=4GB", "listen_addresses=")


@dataclass
class PostgresServer:
    """A running server and how to reach it."""

    folder: Path
    process: subprocess.Popen[bytes]

    def dsn(self, user: str = OWNER, password: str | None = PASSWORD, database: str = "postgres", **more: str) -> str:
        """The address of a database."""
        secret = "" if password is None else ":" + quote(password, safe="")
        query = "&".join(f"{key}={quote(value, safe='')}" for key, value in {"host": str(self.folder), **more}.items())
        return f"postgresql://{user}{secret}@/{database}?{query}"

    def run(self, *statements: str) -> None:
        """Execute statements as the owner."""
        with dbapi.connect(self.dsn(), autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def kill(self) -> None:
        """End the server and its workers at once, as a power cut would."""
        server = psutil.Process(self.process.pid)
        processes = [*server.children(recursive=True), server]
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # a worker that was done
                process.kill()
        self.process.wait()
        psutil.wait_procs(processes)


def programs() -> Path:
    """Folder of this machine's newest PostgreSQL server programs; without one the test is skipped."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        pytest.skip("no PostgreSQL server in /usr/lib/postgresql: install the Debian package `postgresql`")
    return found[-1].parent


@contextmanager
def running() -> Iterator[PostgresServer]:
    """A new server, stopped and removed at the end."""
    binaries = programs()
    with tempfile.TemporaryDirectory(prefix="pg-") as name:  # short: a socket's path has 107 characters at most
        folder = Path(name)
        _initialize(binaries, folder)
        server = PostgresServer(folder, _launch(binaries, folder))
        try:
            _wait_until_ready(server)
            yield server
        finally:
            server.process.terminate()
            server.process.wait()


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; its package brings the user `postgres`."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def _initialize(binaries: Path, folder: Path) -> None:
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if owner := _unprivileged().get("user"):
        shutil.chown(folder, owner, owner)
        shutil.chown(secret, owner, owner)
    options: list[str | Path] = [
        "-U",
        OWNER,
        "--pwfile",
        secret,
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    command: list[str | Path] = [binaries / "initdb", "-D", folder / "data", *options]
    made = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **_unprivileged())
    assert made.returncode == 0, made.stdout + made.stderr


def _launch(binaries: Path, folder: Path) -> subprocess.Popen[bytes]:
    options = [part for option in OPTIONS for part in ("-c", option)]
    command: list[str | Path] = [binaries / "postgres", "-D", folder / "data", "-k", folder, *options]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, cwd="/", stdout=log, stderr=log, **_unprivileged())


def _wait_until_ready(server: PostgresServer) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            return server.run()
        except dbapi.Error:
            log = (server.folder / "log").read_text()
            assert server.process.poll() is None, log
            assert time.monotonic() < deadline, log
            time.sleep(0.05)
