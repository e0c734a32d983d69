"""Made-up answers of a canary and the stable version beside it, in one step or over a whole rollout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.analysis import LOOKS, look
from components.arms import Arm, Check, Floats, Shadow
from contracts.loop import RolloutSpec

SPEC = RolloutSpec()
TOLERANCE = 0.002


@dataclass(frozen=True)
class Behaviour:
    """How a canary differs from the stable version."""

    error_share: float = 0.0
    slower: float = 1.0
    inverted: bool = False
    shifted: float = 0.0
    """Added to the logits of its scores."""
    noise: float = 0.5
    """Standard deviation of what is random in its logits; the stable version has 0.5."""
    strayed: float = 0.0
    """How far its answers lie from those of its registered model."""


def arm(generator: np.random.Generator, rows: int, behaviour: Behaviour) -> Arm:
    """Requests of one row each."""
    failed = generator.uniform(size=rows) < behaviour.error_share
    logits = generator.normal(-1.3 + behaviour.shifted, 1.0, rows)
    scores = _probability(-logits if behaviour.inverted else logits)
    seconds = behaviour.slower * generator.lognormal(-5, 0.5, rows)
    return Arm(rows, seconds, failed, scores[~failed])


def shadow(generator: np.random.Generator, rows: int, own: int, behaviour: Behaviour) -> Shadow:
    """All rows scored by both models; half of them have labels. Both see half of what the labels hang on."""
    seen, hidden = generator.normal(0, 1, (2, rows))
    labels = (generator.uniform(size=rows) < _probability(-1.3 + seen + hidden)).astype(np.int8)
    labels[generator.uniform(size=rows) < 0.5] = -1
    canary, stable = (seen + generator.normal(0, noise, rows) for noise in (behaviour.noise, 0.5))
    sign = -1 if behaviour.inverted else 1
    alone = np.arange(rows)
    return Shadow(_probability(sign * canary), _probability(stable), labels, alone, np.full(own, behaviour.strayed))


def rollout(
    generator: np.random.Generator,
    behaviour: Behaviour,
    spec: RolloutSpec = SPEC,
    stable: Behaviour | None = None,
    steps: tuple[int, ...] | None = None,
) -> tuple[Check, ...]:
    """Look after look, rows adding up at each step, until a test fails: those that failed, or none."""
    for percent in steps or spec.steps:
        canary_rows, stable_rows = spec.min_rows, spec.min_rows * (100 - percent) // percent
        whole = arm(generator, canary_rows, behaviour), arm(generator, stable_rows, stable or Behaviour())
        scored = shadow(generator, canary_rows + stable_rows, canary_rows, behaviour)
        for number in range(1, LOOKS + 1):
            arms = [part_of(found, number / LOOKS) for found in whole]
            failed = failing(look(spec, arms[0], arms[1], shadow_of(scored, number / LOOKS), TOLERANCE))
            if failed:
                return failed
    return ()


def failing(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Those that fail."""
    return tuple(check for check in checks if check.verdict == "fail")


def part_of(found: Arm, share: float) -> Arm:
    """What had come of an arm by then."""
    rows = int(found.rows * share)
    return Arm(rows, found.seconds[:rows], found.failed[:rows], found.scores[: int(len(found.scores) * share)])


def shadow_of(found: Shadow, share: float) -> Shadow:
    """What had come of both arms by then."""
    rows, own = int(len(found.canary) * share), int(len(found.strayed) * share)
    return Shadow(
        found.canary[:rows], found.stable[:rows], found.labels[:rows], found.groups[:rows], found.strayed[:own]
    )


def _probability(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-logits))
