"""The address of a PostgreSQL database."""

from __future__ import annotations

import pytest

from contracts.errors import ConfigError
from feature_store.sources.dsn import Dsn


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("postgresql://db", "postgresql://db"),
        ("postgres://ana@db:5433/trips", "postgresql://db:5433/trips"),
        ("postgresql://ana:word@db/trips?sslmode=require", "postgresql://db/trips"),
        ("postgresql://ana:word@db/trips?user=a@b", "postgresql://db/trips"),
        ("postgresql://ana:word@[::1]:5432,other:5433/trips", "postgresql://[::1]:5432,other:5433/trips"),
        ("postgresql:///trips?host=/run/postgresql&password=word", "postgresql:///trips"),
        ("postgresql://ana:wo:rd@db/", "postgresql://db/"),
    ],
)
def test_only_the_place_is_shown(uri: str, place: str) -> None:
    """Hosts, ports and database are shown; user, password and parameters are not, not even by repr."""
    dsn = Dsn.parse(uri)

    assert dsn.place == place
    assert repr(dsn) == f"Dsn(place={place!r})"


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://ana:wo/rd@db/trips",
        "postgresql://ana:wo@rd@db/trips",
        "postgresql://ana:word",
        "postgresql://db:word/trips",
        "postgresql://ana:word@db/trips?nonsense",
        "host=db password=word",
        "postgresql://" + "a" * 10_000 + "@@word",
    ],
)
def test_what_is_no_address_is_not_repeated(uri: str) -> None:
    """An address that libpq would misread is refused without a word of it, for it may hold a password."""
    with pytest.raises(ConfigError) as caught:
        Dsn.parse(uri)

    assert "wo" not in str(caught.value).replace("password", "")


def test_passwords_are_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords vanish from any text: as written, decoded, as a parameter, and the environment's."""
    monkeypatch.setenv("PGPASSWORD", "fromenv")
    dsn = Dsn.parse("postgresql://ana:t%C3%B6p@db/trips?sslpassword=keyword")

    assert dsn.redacted("t%C3%B6p töp keyword fromenv kept") == "*** *** *** *** kept"


def test_defaults_give_way() -> None:
    """A lost server is noticed in about a minute, unless the address says otherwise."""
    assert "connect_timeout=10&keepalives_idle=30" in Dsn.parse("postgresql://db/trips").uri
    given = Dsn.parse("postgresql://db/trips?connect_timeout=3").uri
    assert given.startswith("postgresql://db/trips?connect_timeout=3&application_name=driftloop&")
    assert "connect_timeout=10" not in given
