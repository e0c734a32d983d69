"""Drift events in, decisions out, and a training run for each one that is accepted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from contracts.cloudevent import CloudEvent
from contracts.errors import BusyError, DataError, DriftloopError, UnavailableError
from contracts.events import Drift, Retrain, from_event, to_event
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from serving.trigger.answers import accepted, suppressed
from serving.trigger.claims import Claim, Claims
from serving.trigger.history import History, brief
from serving.trigger.measures import Measures
from serving.trigger.past import past_runs
from serving.trigger.policy import Decision, ahead, decide
from serving.trigger.runs import Runs
from serving.trigger.starter import Starter

SOURCE = "/driftloop/trigger"

_log = logging.getLogger(__name__)


class Trigger:
    """The service, but for HTTP. One event is decided on at a time."""

    def __init__(
        self,
        store: ObjectStore,
        bucket: str,
        specs: Mapping[str, LoopSpec],
        runs: Runs,
        starter: Starter,
        owner: str,
        poll_seconds: float,
        environment: str = "",
    ) -> None:
        self.measures = Measures()
        self._specs, self._runs, self._starter, self._owner = specs, runs, starter, owner
        self._poll_seconds, self._environment = poll_seconds, environment
        self._histories = {loop: History(store, bucket, loop) for loop in specs}
        self._claims = {loop: Claims(store, bucket, loop) for loop in specs}
        self._turn, self._unsettled = asyncio.Lock(), asyncio.Event()

    async def handle(self, event: CloudEvent) -> CloudEvent:
        """The retrain event that says what was decided. DataError: no drift event of a loop known here."""
        drift = from_event(event)
        if not isinstance(drift, Drift):
            raise DataError(f"The event's type is {event['type']}, not {Drift.type()}.")
        spec = self._specs.get(drift.loop)
        if spec is None:
            raise DataError(f"There is no loop {drift.loop!r} here.", f"Known are {', '.join(sorted(self._specs))}.")
        try:
            async with self._turn:
                decision = await asyncio.to_thread(self._decide, spec, event["id"], brief(drift))
        except Exception:
            self._unsettled.set()  # there may be a claim without a run now
            raise
        return to_event(decision, SOURCE)

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """While it is open, claims without a run are seen to: first those that an earlier life left."""
        self._unsettled.set()
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    def _decide(self, spec: LoopSpec, identity: str, drift: Drift) -> Retrain:
        history, claims = self._histories[spec.name], self._claims[spec.name]
        if decided := history.decision(identity, drift):
            return decided
        history.record(identity, drift)
        held = claims.read()
        own = next((each for each in held if each.claim.drift_id == identity), None)
        if own is not None and own.run_id is None:
            raise UnavailableError(f"Run {own.claim.run} is being made.", "Send the event again.")
        if own is not None:
            return self._settle(identity, drift, accepted(own.claim))
        if hindrance := ahead(drift, datetime.now(UTC)):
            return self._settle(identity, drift, suppressed(identity, drift, None, hindrance))
        past = past_runs(spec.name, held, self._runs.of_loop(spec.name), drift.end, self._environment)
        decision = decide(spec, history.until(drift), past, drift)
        if not decision.accepted or decision.episode is None:
            return self._settle(identity, drift, suppressed(identity, drift, decision.episode, decision.reason))
        if any(each.claim.episode == decision.episode for each in held):  # whatever the policy says
            told = f"Episode {decision.episode} has its run."
            return self._settle(identity, drift, suppressed(identity, drift, decision.episode, told))
        claim = _claim(len(held) + 1, identity, drift, decision, decision.episode, self._owner, self._environment)
        if not self._starter.begin(claims, claim):
            raise BusyError("Another process of the trigger has claimed a run meanwhile.", "Send the event again.")
        self.measures.runs.labels(spec.name).inc()
        return self._settle(identity, drift, accepted(claim))

    def _settle(self, identity: str, drift: Drift, decision: Retrain) -> Retrain:
        settled = self._histories[drift.loop].decide(identity, drift, decision)
        self.measures.decisions.labels(drift.loop, settled.decision).inc()
        return settled

    async def _keep(self) -> None:
        while True:
            await self._unsettled.wait()
            self._unsettled.clear()
            if await self._resume():
                asyncio.get_running_loop().call_later(self._poll_seconds, self._unsettled.set)

    async def _resume(self) -> bool:
        """Whether there is a claim without a run still, or it could not be found out."""
        try:
            async with self._turn:
                left = await asyncio.to_thread(self._resume_all)
        except DriftloopError as error:
            _log.warning("claims without a run are looked at again: %s", error)
            return True
        except Exception:  # noqa: BLE001 - the edge of a task that must go on
            _log.exception("claims without a run are looked at again")
            return True
        self.measures.unsettled.set(left)
        return left > 0

    def _resume_all(self) -> int:
        left = 0
        for claims in self._claims.values():
            open_claims = [held for held in claims.read() if held.run_id is None]
            left += sum(not self._starter.resume(claims, held) for held in open_claims)
        return left


def _claim(
    number: int, identity: str, drift: Drift, decision: Decision, episode: str, owner: str, environment: str
) -> Claim:
    return Claim(
        number=number,
        loop=drift.loop,
        episode=episode,
        drift_id=identity,
        at=drift.end,
        reason=decision.reason,
        start=decision.start,
        end=decision.end,
        holdout_end=decision.holdout_end,
        owner=owner,
        environment=environment,
    )
