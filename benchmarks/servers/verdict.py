"""From figures to ratios, each the median of those of single repetitions, and whether they are good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from servers.cases import RPS, Case
from servers.measure import Measured

BUSY_GENERATOR = 0.9
"""From here on a generator may have been the limit, and the ratio be too small."""


@dataclass(frozen=True)
class Ratio:
    """Ours to another's, and its range over the repetitions."""

    value: float
    least: float
    most: float


@dataclass(frozen=True)
class Result:
    """One case."""

    case: Case
    values: dict[str, float]
    """Medians, by contender."""
    ratios: dict[str, Ratio]
    """To each other contender."""
    cannot: dict[str, str]
    cpu_us: dict[str, float] = field(default_factory=dict)
    """Microseconds of processor a request: what is left where others use the processor too."""
    generator_share: float = 0.0

    @property
    def ratio(self) -> float:
        """To the yardstick."""
        return self.ratios[self.case.yardstick].value

    @property
    def cpu_ratio(self) -> float | None:
        """The yardstick's processor time a request to ours; None where nothing is asked."""
        return self.cpu_us[self.case.yardstick] / self.cpu_us[self.case.ours] if self.cpu_us else None

    @property
    def holds(self) -> bool:
        """Whether it is good enough."""
        return self.case.target.holds(self.ratio)


@dataclass(frozen=True)
class Claim:
    """A sentence, and whether the figures bear it out."""

    text: str
    holds: bool


def results(chosen: Sequence[Case], measured: Measured) -> list[Result]:
    """Of every case."""
    return [_result(case, measured) for case in chosen]


def claims(found: Sequence[Result], measured: Measured) -> list[Claim]:
    """What must hold, case by case, and that nothing was left out to be fast."""
    told = [Claim(_sentence(result), result.holds) for result in found]
    if measured.rows_logged:
        logged, dropped = measured.rows_logged, measured.rows_dropped
        told.append(Claim(f"payload log: {logged:,} rows kept, {dropped:,} dropped: none", dropped == 0))
    return told


def _result(case: Case, measured: Measured) -> Result:
    figures = measured.figures[case.name]
    ratios = {name: _ratio(figures[case.ours], theirs) for name, theirs in figures.items() if name != case.ours}
    values = {name: median(each) for name, each in figures.items()}
    turns = measured.turns.get(case.name)
    if turns is None:
        return Result(case, values, ratios, {})
    readings = {name: each for name, each in turns.readings.items() if name in values}
    cpu_us = {name: median(one.server_share / one.rps * 1e6 for one in each) for name, each in readings.items()}
    cannot = {name: reason for name, reason in turns.cannot.items() if name in case.contenders}
    busiest = median(reading.generator_share for reading in readings[case.ours])
    return Result(case, values, ratios, cannot, cpu_us, busiest)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    each = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Ratio(median(each), min(each), max(each))


def _sentence(result: Result) -> str:
    case = result.case
    ratio = result.ratios[case.yardstick]
    what = "answers" if case.figure == RPS else {"mib": "memory"}.get(case.figure, "time")
    cpu = f", {result.cpu_ratio:.3g} by processor time" if case.figure == RPS and result.cpu_ratio else ""
    busy = ", limited by the generator" if result.generator_share > BUSY_GENERATOR else ""
    return (
        f"{case.name}: {ratio.value:.3g} of {case.yardstick}'s {what} "
        f"({ratio.least:.3g} to {ratio.most:.3g}), {case.target}{cpu}{busy}"
    )
