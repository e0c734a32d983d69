"""What must hold for the loop to be worth it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from statistics import fmean

from worth.play import Played
from worth.quiet import Quiet

MOST_RETRAINS = 4
WORST_MONTH = 0.005
AIMED_SHARE = 0.9


@dataclass(frozen=True)
class Case:
    """One seed, played; ROC AUC by month."""

    seed: int
    months: list[date]
    never: list[float]
    two_months: list[float]
    everything: list[float]
    loop: list[float]
    played: Played
    quiet: Quiet

    def gained(self, who: list[float]) -> float:
        """Which share of what monthly retraining on everything gains over never."""
        return (fmean(who) - fmean(self.never)) / (fmean(self.everything) - fmean(self.never))


@dataclass(frozen=True)
class Claim:
    """A sentence, and whether it holds."""

    text: str
    holds: bool
    is_required: bool = True


def claims(case: Case) -> list[Claim]:
    """Of one seed."""
    worst = min(ours - theirs for ours, theirs in zip(case.loop, case.never, strict=True))
    retrains, share = len(case.played.turns), case.gained(case.loop)
    return [
        Claim(f"{retrains} retrains, at most {MOST_RETRAINS}", retrains <= MOST_RETRAINS),
        Claim(
            f"mean ROC AUC {fmean(case.loop):.4f}, at least that of monthly retraining on two months, "
            f"{fmean(case.two_months):.4f}",
            fmean(case.loop) >= fmean(case.two_months),
        ),
        Claim(f"worst month against never retrained {worst:+.4f}, not below -{WORST_MONTH}", worst >= -WORST_MONTH),
        Claim(
            f"{case.quiet.runs} runs in {case.quiet.requests} held-out requests of the training months, shuffled: none",
            case.quiet.runs == 0,
        ),
        Claim(
            f"{share:.0%} of what monthly retraining on everything gains, {AIMED_SHARE:.0%} is aimed at",
            share >= AIMED_SHARE,
            is_required=False,
        ),
    ]
