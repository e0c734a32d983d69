"""The S3 server's keys: made at random once a home, kept in the file the server itself reads, owner-only."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from contracts.errors import ConfigError
from pocket import state


@dataclass(frozen=True)
class Credentials:
    """An access key and its secret."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


def path(home: Path) -> Path:
    """Where the keys are kept, in the form of weed's `-s3.config`."""
    return home / "secrets" / "s3.json"


def ensure(home: Path) -> Credentials:
    """The home's keys, made now if there are none."""
    if not path(home).exists():
        state.private_folder(path(home).parent)
        made = Credentials("driftloop-" + secrets.token_hex(8), secrets.token_urlsafe(32))
        state.private_file(path(home), json.dumps(_identities(made), indent=1))
    return read(home)


def read(home: Path) -> Credentials:
    """The home's keys. ConfigError if their file is missing or damaged."""
    try:
        found = json.loads(path(home).read_text())["identities"][0]["credentials"][0]
        return Credentials(found["accessKey"], found["secretKey"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"{path(home)} holds no S3 keys ({error}).", "Delete it and run `driftloop up`.") from error


def _identities(made: Credentials) -> dict[str, object]:
    keys = [{"accessKey": made.access_key, "secretKey": made.secret_key}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {"identities": [{"name": "driftloop", "credentials": keys, "actions": actions}]}
