"""Claims on training runs, written before the runs are made: a numbered log on S3 that many may read and one extends.

A claim takes the next number, which only one process can: whoever decided on what it had read before somebody else's
claim gets no number and decides again. A claim is settled once the id of its run stands beside it. Who finds one that
is not, takes a further attempt, again by a number, before it asks for the run; see `starter`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contracts.objects import ObjectStore
from serving.trigger.shelf import Shelf


class Claim(BaseModel):
    """The right, and the duty, to make one run."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    number: int
    loop: str
    episode: str
    drift_id: str
    """Id of the event that led to it."""
    at: AwareDatetime
    """End of that event's window."""
    reason: str
    start: date
    end: date
    holdout_end: date
    owner: str
    """The process that claimed."""
    environment: str = ""
    """Where the windows are from: windows of two environments may have one name, and both ask one pipelines API."""

    @property
    def run(self) -> str:
        """Display name of the run: the key by which it is found."""
        return run_name(self.loop, self.episode, self.environment)


def run_name(loop: str, episode: str, environment: str = "") -> str:
    """Display name of the run that an episode leads to."""
    return f"{loop}-retrain-{environment}-{episode}" if environment else f"{loop}-retrain-{episode}"


@dataclass(frozen=True)
class Held:
    """A claim and what has become of it."""

    claim: Claim
    attempts: int = 1
    """How often some process was about to ask for the run."""
    run_id: str | None = None
    """None: it is not known whether there is one."""


class Claims:
    """The claims of one loop."""

    def __init__(self, store: ObjectStore, bucket: str, loop: str) -> None:
        self._shelf = Shelf(store, f"s3://{bucket}/trigger/{loop}/claims")

    def read(self) -> list[Held]:
        """All of them, in their order."""
        held: dict[str, Held] = {}
        for name in self._shelf.names():  # of one number sorted: claim, run, try
            number, what, *which = name.removesuffix(".json").split("-")
            if what == "claim":
                held[number] = Held(Claim.model_validate_json(self._shelf.get(name)))
            elif what == "run":
                held[number] = replace(held[number], run_id=self._shelf.get(name).decode())
            else:
                held[number] = replace(held[number], attempts=int(which[0]))
        return list(held.values())

    def take(self, claim: Claim) -> bool:
        """Claim; whether the number was free."""
        return self._shelf.add(f"{claim.number:06d}-claim.json", claim.model_dump_json().encode())

    def attempt(self, held: Held, owner: str) -> bool:
        """Take the next attempt of a claim; whether nobody else has."""
        return self._shelf.add(f"{held.claim.number:06d}-try-{held.attempts + 1:06d}.json", owner.encode())

    def settle(self, claim: Claim, run_id: str) -> None:
        """Remember the claim's run."""
        self._shelf.add(f"{claim.number:06d}-run.json", run_id.encode())
