"""rollout: a registered version goes live in steps, each judged on what was logged, or goes back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from components.canary import Canary, Models
from components.cluster import custom_objects
from components.inference_service import InferenceService, Served, State, SupersededError
from components.judge import Judge, Look
from components.outbox import Outbox
from components.output import whole
from components.registry import Registry
from components.rollout_story import MAX_REASON, Decision, Story, Verdict
from components.standard_service import in_mode
from components.steering import Clock, NeverReadyError, Steering, stable_of
from components.tracking import Tracking
from contracts.environment import HERE, Environment
from contracts.errors import ConfigError
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings

MAX_POLL_SECONDS = 5.0
POLLS_A_HOLD = 120
MAX_TAG = 4000
"""Characters of a tag."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rollout:
    """One version's way through one InferenceService; see `steering` for the order of the writes."""

    spec: LoopSpec
    steering: Steering
    canary_of: Callable[[Served], Canary]
    """The stable version → both versions with their models and rows."""
    tell: Callable[[Decision], object]
    story: Story

    def run(self, percents: tuple[int, ...], champion: Served | None) -> Story:
        """Give the version its shares one after the other, then all; every step must pass. Run again, it goes on."""
        try:
            return self._run(percents, champion)
        except SupersededError as error:  # what is there now is the other rollout's: nothing is put back
            return self._decide(0, "rolled_back", str(error))

    def _run(self, percents: tuple[int, ...], champion: Served | None) -> Story:
        candidate, state = self.steering.candidate, self.steering.service.read()
        if state is None or not state.rolled_out:
            return self._first()
        if champion == candidate and state.served != candidate and not state.has_all and not percents:
            return self._reclaim(state)
        if champion == candidate and (state.served == candidate or not state.has_all):
            return self._decide(100, "promoted", "It is the champion already.", silent=True)
        if state.served == candidate and state.has_all:
            return self._promote("It has all the traffic already.")
        state = self.steering.settle(state)
        stable = stable_of(state, champion)
        self.story.stable = stable.number
        begin = (state.percent or 0) if state.served == candidate else 0
        try:
            self.steering.deploy(state)
        except NeverReadyError as error:
            return self._back(0, stable, str(error))
        for percent in (percent for percent in percents if percent >= begin):
            verdict = self._step(percent, self.canary_of(stable))
            if verdict != "pass":
                return self._back(percent, stable, f"At {percent} % it was judged: {verdict}.")
        return self._promote(f"It passed {len(percents)} steps." if percents else "It was asked for without a canary.")

    def _first(self) -> Story:
        try:
            self.steering.first()
        except NeverReadyError as error:
            return self._decide(0, "rolled_back", str(error))
        return self._decide(100, "promoted", "It is the first version: there was nothing to compare it with.")

    def _step(self, percent: int, canary: Canary) -> str:
        """Wait for the rows of one step and judge them; `inconclusive` if they did not come in time."""
        try:
            self.steering.give(percent)
        except NeverReadyError as error:
            self._decide(percent, "inconclusive", str(error))
            return "inconclusive"
        rollout, clock = self.spec.rollout, self.steering.clock
        tolerance, note = self.spec.gate.tolerance, self.story.looks.append
        judge = Judge(rollout, tolerance, percent, clock.now(), canary, on_look=note)
        for _ in range(1 + rollout.extensions):
            for found in self._looks(judge):
                if found.verdict != "inconclusive":
                    self._decide(percent, found.verdict, *found.reasons, evidence=found.evidence)
                    return found.verdict
            self._decide(percent, "inconclusive", *found.reasons, evidence=found.evidence)
        return "inconclusive"

    def _looks(self, judge: Judge) -> Iterator[Look]:
        """One look after another until the hold is over, at least one."""
        clock = self.steering.clock
        begun = clock.now()
        while True:
            yield judge()
            self.steering.check(judge.percent)
            if (clock.now() - begun).total_seconds() >= self.spec.rollout.hold_seconds:
                return
            clock.wait(self.steering.poll_seconds)

    def _reclaim(self, state: State) -> Story:
        """The champion asked for at once, while another version has a part of the traffic: that one is taken out."""
        trouble = replace(self.steering, candidate=state.served).restore(self.steering.candidate)
        reason = f"It is the champion, and has the traffic again of which version {state.served.number} had a part."
        return self._decide(100, "promoted", *filter(None, (reason, trouble)))

    def _promote(self, reason: str) -> Story:
        self.steering.promote()
        return self._decide(100, "promoted", reason)

    def _back(self, percent: int, stable: Served, reason: str) -> Story:
        trouble = self.steering.restore(stable)
        against = self.story.decisions[-1:]  # the verdict that led here; none for a version that was never ready
        reasons = (reason, *(said for last in against for said in last.reasons), trouble)
        evidence = against[0].evidence if against else {}
        return self._decide(percent, "rolled_back", *filter(None, reasons), evidence=evidence)

    def _decide(
        self,
        percent: int,
        verdict: Verdict,
        *reasons: str,
        evidence: dict[str, float | int] | None = None,
        silent: bool = False,
    ) -> Story:
        told = tuple(reason[:MAX_REASON] for reason in reasons)
        decision = Decision(percent, verdict, told, evidence or {}, self.steering.clock.now())
        self.story.decisions.append(decision)
        _log.info("version %s at %s %%: %s. %s", self.story.version, percent, verdict, " ".join(told))
        if not silent:
            self.tell(decision)
        return self.story


def run(
    settings: Settings, spec: LoopSpec, number: str, mode: str, page: Path, environment: Environment = HERE
) -> Story:
    """The step: roll a version out, tell of every decision, record the verdict, move the environment's alias last.

    A version that goes back is no failure of the step: the story says so.
    """
    from components.report import rollout_page
    from contracts.eventlog import EventLog

    percents = percents_of(spec, mode)
    registry, store = Registry(Tracking(settings.mlflow_tracking_uri)), ObjectStore(settings)
    version, champion = registry.resolve(f"{spec.name}/{number}"), registry.find(f"{spec.name}@{environment.alias}")
    service = InferenceService(custom_objects(context=environment.context), settings.namespace, spec.name)
    poll = min(MAX_POLL_SECONDS, spec.rollout.hold_seconds / POLLS_A_HOLD)
    served, mode = Served.of(version), settings.deployment_mode
    steering = Steering(in_mode(service, mode), served, spec.rollout.ready_seconds, poll, Clock())
    story, outbox = Story(spec.name, number), Outbox(settings.sink, f"/driftloop/rollout/{spec.name}")
    with TemporaryDirectory() as temporary, whole(page) as partial:
        models = Models(registry, store, version, Path(temporary))
        log = EventLog(store, settings.data_bucket, spec.name)
        rollout = Rollout(
            spec,
            steering,
            lambda stable: models.beside(stable.number, log),
            lambda decision: outbox.send(story.event(decision)),
            story,
        )
        rollout.run(percents, Served.of(champion) if champion else None)
        partial.write_text(rollout_page(story, spec.rollout))
    if champion and champion.number == number and story.last.verdict == "promoted":
        return story  # nothing new: what is noted of it is how it became the champion
    reasons = " ".join(story.last.reasons)[:MAX_TAG]
    outcome = {"rollout": story.last.verdict, "rollout_reasons": reasons}
    registry.tag(version, {environment.tag(name): value for name, value in outcome.items()})
    if story.last.verdict == "promoted":
        registry.alias(spec.name, environment.alias, number)
    return story


def percents_of(spec: LoopSpec, mode: str) -> tuple[int, ...]:
    """The shares a version is judged at. ConfigError for a mode that is none."""
    if mode not in ("canary", "direct"):
        raise ConfigError(f"rollout is {mode!r}.", "Choose canary, direct or none.")
    return spec.rollout.steps if mode == "canary" else ()
