"""What a loop asks of its windows, and what its versions are compared with. Asked of files and S3, then remembered."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from contracts.errors import ConfigError, DataError, IntegrityError
from contracts.loop import DriftSpec, LoopSpec
from contracts.objects import ObjectStore
from contracts.pointer import ModelPointer
from contracts.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WindowPolicy:
    """Of one version."""

    drift: DriftSpec
    reference_uri: str


class Policies:
    """The policy of each version that has one. Which is known stays so while the process lives."""

    def __init__(self, settings: Settings, store: ObjectStore) -> None:
        self.settings, self.store = settings, store
        self._known: dict[tuple[str, str], WindowPolicy] = {}
        self._told: set[tuple[str, str]] = set()

    def of(self, loop: str, version: str) -> WindowPolicy | None:
        """None for a version that is not registered, or of a loop without a file: its rows are kept, and no more."""
        key = loop, version
        if key not in self._known:
            try:
                drift = LoopSpec.load(self.settings.loops / f"{loop}.toml").drift
                pointer = ModelPointer.read(self.store, self.settings.data_bucket, loop, version)
            except (ConfigError, DataError, IntegrityError) as error:
                self._tell_once(key, error)
                return None
            self._known[key] = WindowPolicy(drift, pointer.reference_uri)
        return self._known[key]

    def _tell_once(self, key: tuple[str, str], error: Exception) -> None:
        if key not in self._told:
            self._told.add(key)
            _log.warning("rows of loop %s version %s are kept, but make no windows: %s", *key, error)
