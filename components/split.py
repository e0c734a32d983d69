"""The training window cut in time: what a trial is fitted on, and what it is scored on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from contracts.errors import ConfigError
from contracts.window import Window


@dataclass(frozen=True)
class Split:
    """A training window cut in time."""

    fitting: Window
    validation: Window

    @classmethod
    def of(cls, window: Window, validation_days: int) -> Split:
        """The last `validation_days` held out. ConfigError if nothing is left to fit on."""
        middle = window.end - timedelta(days=validation_days)
        if middle <= window.start:
            raise ConfigError(
                f"Window {window} is not longer than train.validation_days = {validation_days}.",
                "Choose a longer window, or fewer days.",
            )
        return cls(Window(window.start, middle), Window(middle, window.end))
