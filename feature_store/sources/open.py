"""The source that a loop's `[data] source` names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from contracts.errors import ConfigError
from contracts.objects import ObjectStore, split
from contracts.settings import Settings
from feature_store.sources import dsn
from feature_store.sources.objects import ObjectsSource
from feature_store.sources.postgres import PostgresSource
from feature_store.sources.source import Source


def open_source(uri: str, settings: Settings, own: Mapping[str, Callable[[], Source]]) -> Source:
    """One of the loop's `own` sources by its bare name, or `s3://bucket/prefix`, or `postgresql://…`.

    ConfigError says what is allowed. Nothing is connected to before the first batch is read.
    """
    scheme, is_address, _ = uri.partition("://")
    if not is_address and uri in own:
        return own[uri]()
    if is_address and scheme == "s3":
        split(uri)
        return ObjectsSource(ObjectStore(settings), uri)
    if is_address and scheme in dsn.SCHEMES:
        return PostgresSource(uri)
    shown = f"{scheme}://…" if is_address else uri  # an address may hold a password
    raise ConfigError(
        f"{shown!r} is not a source.",
        f"Allowed: {', '.join(sorted(own)) or 'no source of its own'}, s3://bucket/prefix/, postgresql://user@host/database.",
    )
