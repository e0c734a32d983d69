"""Whether a canary answers as well as the stable version: a few tests, looked at several times while rows come in.

Whoever looks again and again until something is significant finds it. So the loop's chance of a false alarm,
one less rollout.confidence, is spent: each test at each look of each step gets an equal part, no more than the whole
can be used up (alpha spending of Lan and DeMets, Biometrika 1983, in the linear form; the parts are added up by the
union bound, which needs no joint distribution of the looks, so that any test may stand here). Looks are due at
quarters of `min_rows`, however often the rows are read. A step compares only its own rows: the versions had them at
the same time, in one constant share, so neither the hour nor a change of the share can pass for a difference.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.arms import Arm, Check, Shadow
from components.shadow_checks import agreement, faithfulness, quality
from components.traffic_checks import errors, latency, score_distance
from contracts.loop import RolloutSpec

LOOKS = 4
"""At each step, the last of them once the canary has `min_rows`."""
TESTS_OF_CHANCE = 5
"""Those below that chance can fail, and on which alpha is spent: all but faithfulness."""


def due(rows: int, min_rows: int) -> int:
    """How many looks are due once the canary has this many rows."""
    return min(LOOKS, LOOKS * rows // min_rows)


def alpha_of(spec: RolloutSpec) -> float:
    """The chance of a false alarm that each test has at each look."""
    return (1 - spec.confidence) / (TESTS_OF_CHANCE * len(spec.steps) * LOOKS)


def look(spec: RolloutSpec, canary: Arm, stable: Arm, shadow: Shadow | None, tolerance: float) -> tuple[Check, ...]:
    """Every test of one look. `tolerance`: how much lower the canary's ROC AUC may be."""
    return tuple(_tests(spec, canary, stable, shadow, tolerance))


def _tests(spec: RolloutSpec, canary: Arm, stable: Arm, shadow: Shadow | None, tolerance: float) -> Iterator[Check]:
    alpha = alpha_of(spec)
    yield errors(canary, stable, spec.max_error_share, alpha)
    yield latency(canary, stable, spec.max_latency_ratio, alpha)
    # Of the same rows, if both models can score them: requests of many rows give the versions different mixtures.
    ours, theirs = (shadow.canary, shadow.stable) if shadow else (canary.scores, stable.scores)
    yield score_distance(ours, theirs, spec.max_score_distance, alpha)
    if shadow is not None:
        yield faithfulness(shadow, spec.max_error_share)
        yield agreement(shadow, alpha)
        yield quality(shadow, tolerance, alpha)
