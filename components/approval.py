"""An approval: who let a version go on, when and on what evidence; a tag of the version, so that it goes where it goes.

An approval holds for exactly what it saw. If a digest, the gate's verdict or a measure is another one now, or the
version was rolled back anywhere since, it must be given anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.registry import Registry, Version
from components.smoke import Smoke
from components.tracking import TAG
from contracts.errors import IntegrityError, RejectedError

APPROVAL = "approval"
"""The tag, which holds an Approval as JSON."""
FACTS = (
    "card_sha256",
    "model_sha256",
    "model_uri",
    "holdout_roc_auc",
    "holdout_log_loss",
    "holdout_rows",
    "compared_with",
    "verdict",
    "rollout",
)
"""Tags of a version that an approval rests on; `rollout` is how it went in the first environment."""
Words = Annotated[str, Field(min_length=1, max_length=1000)]


class Approval(BaseModel):
    """One person's word for one version."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    by: Words
    """As told: nobody checks it, but whoever may write to the registry."""
    reason: Words
    at: datetime
    evidence: dict[str, str]
    """Fact → value, `gate` among them."""
    smoke: Smoke


def evidence(registry: Registry, version: Version) -> dict[str, str]:
    """What is known of a version now. RejectedError if the gate said no, or a rollout."""
    gate = registry.tracking.tags(version.run_id).get(f"{TAG}verdict", "none recorded")
    if gate != "accepted":
        raise RejectedError(
            f"The gate's verdict on {version.loop}/{version.number} is: {gate}.",
            "Only a version that the gate accepted can go on.",
        )
    if version.tags.get("rollout") == "rolled_back":
        why = version.tags.get("rollout_reasons", "no reason recorded")
        raise RejectedError(f"{version.loop}/{version.number} was rolled back: {why}")
    return {"gate": gate, **{name: version.tags[name] for name in FACTS if name in version.tags}}


def approve(registry: Registry, version: Version, by: str, reason: str, tested: Smoke) -> Approval:
    """Record an approval. RejectedError if the gate or a rollout said no; what was recorded before stays then."""
    found = evidence(registry, version)
    approval = Approval(by=by, reason=reason, at=tested.at, evidence=found, smoke=tested)
    registry.tag(version, {APPROVAL: approval.model_dump_json()})
    return approval


def require(registry: Registry, version: Version) -> Approval:
    """The approval of a version, if it still holds. RejectedError if there is none or it does not."""
    name = f"{version.loop}/{version.number}"
    command = f"driftloop approve {name} --by … --reason …"
    if APPROVAL not in version.tags:
        raise RejectedError(f"{name} is not approved.", f"`{command}`")
    try:
        approval = Approval.model_validate_json(version.tags[APPROVAL])
    except ValidationError as error:
        raise IntegrityError(f"The approval of {name} is none: {error.errors()[0]['msg']}.", f"`{command}`") from error
    now = evidence(registry, version)
    then = approval.evidence
    changed = sorted(fact for fact in now.keys() | then.keys() if now.get(fact) != then.get(fact))
    if changed:
        fact = changed[0]
        raise RejectedError(
            f"{name} has changed since {approval.by} approved it: "
            f"{fact} was {then.get(fact, 'unknown')}, is {now.get(fact, 'unknown')}.",
            f"Approve it again: `{command}`",
        )
    return approval
