"""One version's rollout, and what clients saw meanwhile."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from live.stream import Stream

from canaries.case import Case
from components import rollout
from components.inference_service import InferenceService
from components.judge import Look
from components.registry import Registry, Version
from contracts.loop import LoopSpec
from contracts.model import CHAMPION
from contracts.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """How it ended."""

    name: str
    version: str
    verdict: str
    percent: int
    """Its share of the traffic when that was decided."""
    rows: int
    """That it had answered by then, as far as the event log had them."""
    seconds: float
    """The whole rollout, the way back too."""
    reasons: tuple[str, ...]
    requests: int
    """That clients sent meanwhile, to whatever version."""
    failed: int
    last_failure: str
    champion_before: str
    champion_after: str
    serves: str
    """Version that has all the traffic afterwards; empty: none has."""
    measures: dict[str, float | int]
    """Of the last look."""

    @property
    def failed_share(self) -> float:
        """Of all requests meanwhile."""
        return self.failed / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Stage:
    """Where rollouts take place."""

    settings: Settings
    spec: LoopSpec
    registry: Registry
    service: InferenceService
    stream: Stream
    pages: Path

    def play(self, case: Case, version: Version) -> Outcome:
        """Roll one version out by the pipeline's own step."""
        tally, before = self.stream.tally, self._champion()
        requests, failed, started = tally.requests, tally.failed, time.monotonic()
        page = self.pages / f"{case.name.replace(' ', '-')}.html"
        story = rollout.run(self.settings, self.spec, version.number, "canary", page)
        seconds = time.monotonic() - started
        self.stream.check()
        return Outcome(
            name=case.name,
            version=version.number,
            verdict=story.last.verdict,
            percent=story.last.percent,
            rows=_rows(story.looks),
            seconds=round(seconds, 1),
            reasons=story.last.reasons,
            requests=tally.requests - requests,
            failed=tally.failed - failed,
            last_failure=tally.last_failure if tally.failed > failed else "",
            champion_before=before,
            champion_after=self._champion(),
            serves=self._serves(),
            measures=story.looks[-1].evidence if story.looks else {},
        )

    def _champion(self) -> str:
        return self.registry.resolve(f"{self.spec.name}@{CHAMPION}").number

    def _serves(self) -> str:
        state = self.service.read()
        return state.served.number if state and state.is_whole else ""


def _rows(looks: Sequence[Look]) -> int:
    """Of all steps: each begins to count anew."""
    last = {look.percent: look.canary_rows for look in looks}
    return sum(last.values())
