"""The retrain event's data, of a claim and of a no."""

from __future__ import annotations

from contracts.events import Drift, Retrain
from serving.trigger.claims import Claim

NO_EPISODE = "none"
"""What a decision on a window that belongs to no episode says."""


def accepted(claim: Claim) -> Retrain:
    """The answer to the event that led to a claim."""
    return Retrain(
        loop=claim.loop,
        drift_id=claim.drift_id,
        episode=claim.episode,
        at=claim.at,
        decision="accepted",
        reason=claim.reason,
        pipeline_run=claim.run,
    )


def suppressed(identity: str, drift: Drift, episode: str | None, reason: str) -> Retrain:
    """The answer to an event that leads to no run."""
    return Retrain(
        loop=drift.loop,
        drift_id=identity,
        episode=episode or NO_EPISODE,
        at=drift.end,
        decision="suppressed",
        reason=reason,
    )
