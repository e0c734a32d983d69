"""A promotion: an approved version from one environment into the next, by a smoke test there and a canary here.

How far it has come stands in a tag of the version, so that who runs it again goes on: once the smoke test has passed, a
promotion that was killed amid its canary does not depend on what the environment before it serves by then. For the same
reason a version that was promoted once can be put back at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from components import approval as approvals
from components.registry import Registry, Version
from components.rollout_story import Story
from components.smoke import Smoke
from contracts.environment import Environment
from contracts.errors import DriftloopError, IntegrityError, RejectedError

MAX_REASONS = 3000
"""Characters of the reasons that are kept."""


class Promotion(BaseModel):
    """One version's way into one environment, as its tag keeps it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    approved_by: str
    approved_at: datetime
    state: Literal["refused", "begun", "promoted", "rolled_back"]
    """refused: the smoke test failed. begun: it passed, and the canary is under way or was cut off."""
    at: datetime
    reasons: str = ""
    smoke: Smoke | None = None


@dataclass(frozen=True)
class Way:
    """From an environment to the next, for one version."""

    registry: Registry
    version: Version
    source: Environment
    target: Environment
    try_out: Callable[[], Smoke]
    """The smoke test in the source."""
    roll_out: Callable[[], Story]
    """The canary in the target."""
    now: Callable[[], datetime]

    def go(self) -> Promotion:
        """All of it, or the rest of it. RejectedError without an approval, after a failed smoke test or a rollback."""
        approval, last = approvals.require(self.registry, self.version), self.recorded()
        if last and last.state == "rolled_back" and last.at >= approval.at:
            raise RejectedError(
                f"{self._name} was rolled back in {self.target.name} after it was approved: {last.reasons}",
                "Approve it again if it shall be tried again.",
            )
        if last is None or last.approved_at != approval.at or last.smoke is None:
            last = self._begun(approval)
        self.record(last.model_copy(update={"state": "begun", "at": self.now(), "reasons": ""}))
        story = self.roll_out()
        promoted = story.last.verdict == "promoted"
        ended = {
            "state": "promoted" if promoted else "rolled_back",
            "at": self.now(),
            "reasons": " ".join(story.last.reasons)[:MAX_REASONS],
        }
        return self.record(last.model_copy(update=ended))

    def recorded(self) -> Promotion | None:
        """How far it has come. IntegrityError if the tag cannot be read."""
        told = self.version.tags.get(self._tag)
        try:
            return Promotion.model_validate_json(told) if told else None
        except ValidationError as error:
            raise IntegrityError(
                f"Tag {self._tag} of {self._name} cannot be read: {error.errors()[0]['msg']}.",
                "Remove the tag in MLflow; the promotion then begins anew.",
            ) from error

    def record(self, promotion: Promotion) -> Promotion:
        """Keep how far it has come."""
        self.registry.tag(self.version, {self._tag: promotion.model_dump_json()})
        return promotion

    def _begun(self, approval: approvals.Approval) -> Promotion:
        """The smoke test. Whatever it ends with is recorded."""
        begun = Promotion(approved_by=approval.by, approved_at=approval.at, state="begun", at=self.now())
        try:
            return begun.model_copy(update={"smoke": self.try_out()})
        except DriftloopError as error:
            self.record(begun.model_copy(update={"state": "refused", "reasons": str(error)[:MAX_REASONS]}))
            raise

    @property
    def _tag(self) -> str:
        return f"promotion.{self.target.name}"

    @property
    def _name(self) -> str:
        return f"{self.version.loop}/{self.version.number}"
