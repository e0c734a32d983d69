"""A version's way into service: the writes to the InferenceService, in the one order in which nothing bad gets traffic.

KServe sends `canaryTrafficPercent` to the newest revision that is *ready* and the rest to the one that last had all.
So a new model is always written together with percent 0: until its own revision is ready the newest ready one is
another, perhaps the one that was rolled back before, and a percent would go to that (kserve#2130). Only then the
percent alone is changed. Percent 0 alone is never written: on a revision that has all the traffic KServe takes it for
the wish to go back to the version before it.

Going back writes the stable model with percent 0, at once out of traffic, then waits until that model's revision is
ready, then takes the percent away: the spec names what serves, and no change of tomorrow meets the remains of today.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

from components.inference_service import InferenceService, Served, State, SupersededError
from contracts.errors import ConfigError, DriftloopError, UnavailableError


class NeverReadyError(DriftloopError):
    """A revision did not become ready in time; `what` says what its status tells."""


class Clock:
    """The wall clock and how to wait by it."""

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        """Let some time go by."""
        Event().wait(seconds)


@dataclass(frozen=True)
class Steering:
    """Moves one candidate through one InferenceService."""

    service: InferenceService
    candidate: Served
    ready_seconds: float
    """How long a revision may take to become ready, or the traffic to follow."""
    poll_seconds: float
    clock: Clock

    def first(self) -> None:
        """Make the InferenceService, or take over one in which nothing ever served; never ready, it goes again."""
        state = self.service.read()
        if state is None:
            self.service.create(self.candidate)
        else:
            self.service.change(self.candidate, None, over=state.served)
        before = "" if state is None or state.served == self.candidate else state.created
        try:
            self._until(self.candidate, lambda now: now.is_whole and now.created != before)
        except NeverReadyError:
            self.service.delete()
            raise

    def settle(self, state: State) -> State:
        """Let KServe follow what was asked of it before, if it asked for one whole version; what it has come to."""
        if not state.has_all or state.is_whole:
            return state
        try:
            return self._until(state.served, lambda now: now.is_whole)
        except NeverReadyError:
            return self.service.read() or state

    def deploy(self, state: State) -> None:
        """Bring the candidate up beside what serves, without traffic. What is under way already goes on."""
        before = ""
        if state.served != self.candidate:
            self.service.change(self.candidate, 0, over=state.served)
            before = state.created

        now = self._until(
            self.candidate, lambda now: now.created == now.ready and now.created not in ("", before, now.rolled_out)
        )
        if now.rolled_out != state.rolled_out:
            raise NeverReadyError(
                f"KServe gave the stable traffic to revision {now.rolled_out} instead of {state.rolled_out}."
            )

    def give(self, percent: int) -> None:
        """Change the candidate's share and nothing else, and wait until the traffic has followed."""
        self.service.change(self.candidate, percent, over=self.candidate)
        self._until(self.candidate, lambda now: now.traffic.get(now.created, 0) == percent)

    def check(self, percent: int) -> None:
        """SupersededError if somebody else has changed the version or its share."""
        state = self.service.read()
        if state is None or (state.served, state.percent) != (self.candidate, percent):
            raise SupersededError(f"{self.service.what} was changed by somebody else.")

    def promote(self) -> None:
        """All the traffic for the candidate. UnavailableError if the traffic does not follow."""
        self.service.change(self.candidate, None, over=self.candidate)
        try:
            self._until(self.candidate, lambda now: now.is_whole)
        except NeverReadyError as error:
            raise UnavailableError(f"All traffic was asked for, but: {error}", "Run the step again.") from error

    def restore(self, stable: Served) -> str:
        """Back to the stable version; what is not as it should be then, or nothing."""
        state = self.service.read()
        before = state.created if state else ""
        self.service.change(stable, 0, over=self.candidate)
        try:
            self._until(stable, lambda now: now.created == now.ready != before)
            self.service.change(stable, None, over=stable)
            self._until(stable, lambda now: now.is_whole)
        except NeverReadyError as error:
            return (
                f"The revision that served before has all the traffic; a new one of the same version is late: {error}"
            )
        return ""

    def _until(self, served: Served, holds: Callable[[State], bool]) -> State:
        """Wait for a state. NeverReadyError after `ready_seconds`, SupersededError if another version is named."""
        begun = self.clock.now()
        said = ""
        while True:
            try:
                state = self.service.read()
                if state is None or state.served != served:
                    raise SupersededError(f"{self.service.what} was changed by somebody else.")
                if holds(state):
                    return state
                said = " ".join(state.complaints) or "Its status tells no reason."
            except UnavailableError as error:  # an API server that is being replaced comes back
                said = str(error)
            if (self.clock.now() - begun).total_seconds() >= self.ready_seconds:
                raise NeverReadyError(
                    f"Version {served.number} was not ready within {self.ready_seconds:g} seconds. {said}"
                )
            self.clock.wait(self.poll_seconds)


def stable_of(state: State, champion: Served | None) -> Served:
    """What has the traffic that a canary has not. ConfigError if nobody knows.

    The spec tells of a version that has all of it; beside anything half done, the registry tells.
    """
    if state.is_whole:
        return state.served
    if champion is None:
        raise ConfigError(
            f"Version {state.served.number} does not have all the traffic, and no version is the champion.",
            "Point the alias champion at the version that has the rest.",
        )
    return champion
