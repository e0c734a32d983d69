"""What is known of a canary and the stable version beside it at one look, and what a test says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Verdict = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True)
class Arm:
    """What one version answered in a step."""

    rows: int
    seconds: Floats
    """Shape [requests]. Rows of a request share their time and their fate, so requests are what is counted."""
    failed: npt.NDArray[np.bool_]
    """Shape [requests]: whether it ended in an error."""
    scores: Floats
    """Shape [rows with a score]."""


@dataclass(frozen=True)
class Shadow:
    """Logged rows of both arms, scored here by both registered models."""

    canary: Floats
    """Shape [rows]."""
    stable: Floats
    """Shape [rows]."""
    labels: npt.NDArray[np.int8]
    """Shape [rows]: position of the class, -1 where it has not come."""
    groups: npt.NDArray[np.int64]
    """Shape [rows]: rows of one request have the same number."""
    strayed: Floats
    """Shape [canary's own rows]: distance of each logged score from the canary's score here."""


@dataclass(frozen=True)
class Check:
    """What one test found. `unknown`: there is too little to say anything."""

    name: str
    verdict: Verdict
    sentence: str
    evidence: dict[str, float | int]
