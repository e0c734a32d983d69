"""Which source an address opens."""

from __future__ import annotations

import pytest

from contracts.errors import ConfigError
from contracts.settings import Settings
from feature_store.sources.objects import ObjectsSource
from feature_store.sources.open import open_source
from feature_store.sources.postgres import PostgresSource

SETTINGS = Settings.from_env({"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"})


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("s3://bucket/prefix/", ObjectsSource),
        ("s3://bucket", ObjectsSource),
        ("postgresql://ana@db/trips", PostgresSource),
        ("postgres://ana@db/trips", PostgresSource),
    ],
)
def test_addresses(uri: str, kind: type) -> None:
    """The scheme of an address chooses the source; nothing is connected to yet."""
    assert isinstance(open_source(uri, SETTINGS, {}), kind)


def test_own_name() -> None:
    """A bare name is the loop's own source."""
    own = ObjectsSource.__new__(ObjectsSource)

    assert open_source("flights", SETTINGS, {"flights": lambda: own}) is own


def test_unknown_name_lists_what_is_allowed() -> None:
    """A name that nobody knows is refused with the names and addresses that would do."""
    with pytest.raises(ConfigError) as caught:
        open_source("flihgts", SETTINGS, {"weather": object, "flights": object})  # type: ignore[dict-item]

    assert str(caught.value).startswith(
        "'flihgts' is not a source. Allowed: flights, weather, s3://bucket/prefix/, postgres"
    )


def test_unknown_scheme_is_not_repeated() -> None:
    """Of an address of another kind only the scheme is shown, for it may hold a password."""
    with pytest.raises(ConfigError) as caught:
        open_source("mysql://ana:word@db/trips", SETTINGS, {})

    assert "'mysql://…' is not a source" in str(caught.value)
    assert "ana:word" not in str(caught.value)


@pytest.mark.parametrize("uri", ["s3://", "s3:///prefix"])
def test_no_bucket(uri: str) -> None:
    """An S3 address without a bucket is refused."""
    with pytest.raises(ConfigError, match="is not an S3 address"):
        open_source(uri, SETTINGS, {})
