"""What a long command tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One thing that begins or is done."""

    service: str
    what: str
    done: bool = False


Progress = Callable[[Step], None]
"""Told every step."""


def silent(step: Step) -> None:
    """Progress nobody watches."""
