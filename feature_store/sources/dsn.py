"""The address of a PostgreSQL database, and how to speak of it without its password."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from contracts.errors import ConfigError

SCHEMES = ("postgresql", "postgres")

_HOST = r"(?:\[[^\]]*\]|[^/@:,?\[\]]*)(?::\d*)?"
_PARAMETER = r"[a-z_]+=[^&]*"
_ADDRESS = re.compile(
    r"(?:postgresql|postgres)://"
    r"(?:[^/@:]*(?::(?P<password>[^/@]*))?@)?"
    rf"(?P<place>{_HOST}(?:,{_HOST})*(?:/[^?@]*)?)"
    rf"(?:\?(?P<query>{_PARAMETER}(?:&{_PARAMETER})*)?)?"
)
_DEFAULTS = {
    "application_name": "driftloop",
    "connect_timeout": "10",
    # A server that vanished without a word is noticed after about a minute instead of two hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


@dataclass(frozen=True)
class Dsn:
    """A checked connection URI as libpq understands it; shown as its place only."""

    uri: str = field(repr=False)
    """Complete, with the password."""
    place: str
    """Hosts, ports and database: what may be shown."""
    secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def parse(cls, uri: str) -> Dsn:
        """A DSN from `postgresql://user:password@host:port/database?parameter=value`; ConfigError if it is not one."""
        found = _ADDRESS.fullmatch(uri)
        if found is None:
            raise ConfigError(
                "The PostgreSQL address is not of the form postgresql://user:password@host:port/database?name=value.",
                "Write @ and / inside a user name or password as %40 and %2F, or put the password in PGPASSWORD.",
            )
        given = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
        passwords = [found["password"], *(value for key, value in given.items() if key.endswith("password"))]
        secrets = {text for password in passwords if password for text in (password, unquote(password))}
        longest_first = tuple(sorted(secrets, key=len, reverse=True))
        return cls(_with_defaults(uri, given), f"postgresql://{found['place']}", longest_first)

    def redacted(self, text: str) -> str:
        """The text without any password, not even the one libpq takes from the environment."""
        for secret in (self.uri, *self.secrets, os.environ.get("PGPASSWORD")):
            text = text.replace(secret, "***") if secret else text
        return text


def _with_defaults(uri: str, given: dict[str, str]) -> str:
    defaults = "&".join(f"{key}={value}" for key, value in _DEFAULTS.items() if key not in given)
    return uri.rstrip("?&") + ("&" if "?" in uri.rstrip("?&") else "?") + defaults
