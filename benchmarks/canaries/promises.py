"""What must hold of each version."""

from __future__ import annotations

from live.claim import Claim

from canaries.case import Case
from canaries.container import EVERY
from canaries.outcome import Outcome

LEAST_SLOWNESS = 5


def claims(case: Case, found: Outcome) -> list[Claim]:
    """Of one version."""
    own = [_slowness(case, found)] if case.container == "slow" else []
    return [_end(case, found), *own, _alias(case, found), _clients(case, found)]


def _end(case: Case, found: Outcome) -> Claim:
    wanted = "promoted" if case.is_good else "rolled_back"
    ended = found.verdict == wanted
    if case.is_good:
        return Claim(f"{case.name}: it is {found.verdict}", ended)
    why = any(case.said in reason for reason in found.reasons)
    told = found.verdict.replace("_", " ")
    return Claim(f"{case.name}: it is {told}, and told is why: “{case.said}”", ended and why)


def _slowness(case: Case, found: Outcome) -> Claim:
    """That it was as slow as it is said to be: a version that serves faster than was thought proves nothing."""
    ratio = found.measures.get("latency_ratio", 0.0)
    told = f"{case.name}: its median request took {ratio:.1f} times as long as the champion's"
    return Claim(f"{told}, at least {LEAST_SLOWNESS}", ratio >= LEAST_SLOWNESS)


def _alias(case: Case, found: Outcome) -> Claim:
    kept = found.champion_after == (found.version if case.is_good else found.champion_before)
    what = "its own" if case.is_good else "untouched"
    return Claim(
        f"{case.name}: the alias champion is {what}, and the champion has all the traffic",
        kept and found.serves == found.champion_after,
    )


def _clients(case: Case, found: Outcome) -> Claim:
    told = f"{case.name}: {found.failed} of {found.requests} requests failed"
    if case.container == "errors":
        return Claim(f"{told}, less than the {1 / EVERY:.0%} that it fails", 0 < found.failed_share < 1 / EVERY)
    return Claim(f"{told}: none", found.requests > 0 and found.failed == 0)
