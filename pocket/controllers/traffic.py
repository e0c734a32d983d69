"""Who gets how much: KServe's rules for canaries, on Knative's rules for routes. Plain values, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pocket.controllers.client import Json


@dataclass(frozen=True)
class Target:
    """A share of the requests. Before it is resolved, that of the latest ready revision names none."""

    percent: int
    revision: str = ""
    latest: bool = False
    tag: str = ""

    def to_json(self) -> Json:
        """As a Knative route's status has it."""
        tag = {"tag": self.tag} if self.tag else {}
        return {"revisionName": self.revision, "percent": self.percent, "latestRevision": self.latest, **tag}

    @classmethod
    def from_json(cls, found: Json) -> Target:
        """From a Knative route's spec or status."""
        name = found.get("revisionName", "")
        return cls(found.get("percent", 0), name, found.get("latestRevision", not name), found.get("tag", ""))


LATEST = (Target(100, latest=True),)


@dataclass(frozen=True)
class Rollout:
    """Which revisions have had all requests: the last one, and the one before."""

    latest: str = ""
    previous: str = ""


def canary(percent: int | None, rollout: Rollout) -> Sequence[Target]:
    """What an InferenceService asks of its route. Before anything was rolled out there is nothing to split with."""
    if percent is None or not rollout.latest:
        return LATEST
    newest = Target(percent, latest=True)
    return (newest, Target(100 - percent, rollout.latest, tag="prev")) if percent < 100 else (newest,)


def resolved(wanted: Sequence[Target], ready: str) -> list[Target]:
    """With the name of the latest ready revision, which is not the latest created one until that is ready."""
    if not ready:
        return []
    return [replace(one, revision=ready) if one.latest else one for one in wanted]


def observed(rollout: Rollout, traffic: Sequence[Target], created: str, ready: str) -> Rollout:
    """What has been rolled out, now that requests flow so. All of them to the latest revision promotes it.

    The latest revision, promoted before, which is to share with itself, is rolled back to the one before.
    """
    newest = next((one for one in traffic if one.latest and one.revision == ready), None)
    if newest is None:
        return rollout
    if rollout.latest != ready:
        return Rollout(ready, rollout.latest) if newest.percent == 100 else rollout
    whole = sum(one.percent for one in traffic if one.revision == ready) == 100
    if ready == created and newest.percent < 100 and whole and rollout.previous:
        return replace(rollout, latest=rollout.previous)
    return rollout
