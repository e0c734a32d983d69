"""Which backend a window is tested with: that of its model's specification, or the one this process is set to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from contracts.errors import ConfigError
from serving.drift.backend import Backend, backend

SETTING = "DRIFTLOOP_DRIFT_BACKEND"
NAMES: tuple[Literal["alibi-detect", "scipy"], ...] = ("alibi-detect", "scipy")


class Choice:
    """The backends of this process.

    Made at the start: ConfigError if alibi-detect is not installed and the setting does not say to do without it, so
    that a wrong environment is never taken for a choice.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        wanted = env.get(SETTING, "")
        if wanted and wanted not in NAMES:
            raise ConfigError(f"{SETTING} is {wanted!r}.", f"Leave it unset or choose one of {', '.join(NAMES)}.")
        self._backends = {name: backend(name) for name in NAMES if wanted in ("", name)}

    def of(self, name: Literal["alibi-detect", "scipy"]) -> Backend:
        """The backend for a specification that names this one."""
        return self._backends.get(name) or next(iter(self._backends.values()))

    def __str__(self) -> str:
        return ", ".join(self._backends)
