"""What must hold as the data grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scaling.case import Case

ALLOWANCE = 1.15
"""How much dearer a row may be where there are more of them: noise, not a power of their number."""
LINE_ALLOWANCE = 1.3
"""How far the largest case may lie above the line through the two before it, start-up left aside.

More than ALLOWANCE: the slope is a small difference, and a fit slows down by a sixth where the matrix outgrows caches.
"""
PEAK_LIMIT_BYTES = 2 * 2**30


@dataclass(frozen=True)
class Claim:
    """A sentence and whether the figures bear it out."""

    text: str
    holds: bool


def claims(cases: Sequence[Case]) -> list[Claim]:
    """Cases from small to large."""
    return [*_same(cases), *_linear(cases), *_straight(cases), *_bounded(cases)]


def _same(cases: Sequence[Case]) -> Iterator[Claim]:
    for case in cases:
        if case.is_compared:
            yield Claim(f"{case.size}: with pandas every feature of all {case.rows:,} flights is the same", True)


def _linear(cases: Sequence[Case]) -> Iterator[Claim]:
    """By processor time, which a busy machine changes little. Start-up makes rows of small cases dearer: it may."""
    for smaller, larger in pairwise(cases):
        for step, cost in larger.steps.items():
            before = smaller.steps[step].processor_seconds / smaller.rows
            now = cost.processor_seconds / larger.rows
            text = (
                f"{step}: a row of {larger.size} takes {now / before:.2f} of the processor time of a row of "
                f"{smaller.size} (at most {ALLOWANCE})"
            )
            yield Claim(text, now <= before * ALLOWANCE)


def _straight(cases: Sequence[Case]) -> Iterator[Claim]:
    if len(cases) < 3:
        return
    first, second, last = cases[-3:]
    for step, cost in last.steps.items():
        start, then = first.steps[step].processor_seconds, second.steps[step].processor_seconds
        line = start + (then - start) / (second.rows - first.rows) * (last.rows - first.rows)
        share = cost.processor_seconds / line
        text = f"{step}: {last.size} takes {share:.2f} of what the two before it let expect (at most {LINE_ALLOWANCE})"
        yield Claim(text, share <= LINE_ALLOWANCE)


def _bounded(cases: Sequence[Case]) -> Iterator[Claim]:
    for case in cases:
        step, cost = max(case.steps.items(), key=lambda item: item[1].peak_bytes)
        text = f"{case.size}: no step needs more than {cost.peak_bytes / 2**30:.2f} GiB (at most 2), {step} the most"
        yield Claim(text, cost.peak_bytes < PEAK_LIMIT_BYTES)
