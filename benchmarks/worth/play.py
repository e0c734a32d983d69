"""The loop, played in event time: windows, drift, the policy, a run, the gate, the next version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from components.evaluate import Evaluation
from components.train import Result
from contracts.events import Drift
from contracts.loop import LoopSpec
from contracts.window import Window
from serving.trigger.policy import Decision, PastRun, decide
from worth.models import Workshop
from worth.traffic import Traffic
from worth.watch import Version, version, windows

Recipe = Callable[[Window], Result]
"""By which recipe a run fits its window."""


@dataclass(frozen=True)
class Turn:
    """One decision that led to a run, and what became of it."""

    at: datetime
    decision: Decision
    evaluation: Evaluation
    live_at: datetime | None
    """None: the gate said no."""
    seconds: float
    """Of the fit."""


@dataclass
class Played:
    """How it went."""

    versions: list[Version]
    started: int = 0
    """Runs that the policy asked for."""
    turns: list[Turn] = field(default_factory=list)
    suppressed: list[tuple[Drift, Decision]] = field(default_factory=list)
    """Drifted windows that led to no run."""
    history: list[Drift] = field(default_factory=list)

    def scores(self) -> npt.NDArray[np.float64]:
        """What the rows were answered with, whichever version served."""
        found = self.versions[0].scores.copy()
        for serving in self.versions[1:]:
            found[serving.first :] = serving.scores[serving.first :]
        return found


def play(
    workshop: Workshop,
    spec: LoopSpec,
    traffic: Traffic,
    first: Version,
    recipe: Recipe,
    run_days: float,
    refit: bool = False,
    is_dry: bool = False,
) -> Played:
    """Play all of the traffic. A run takes `run_days` of event time until its version serves.

    `refit`: what passed the gate is fitted once more, on the holdout too, before it serves. `is_dry`: runs are counted,
    not made.
    """
    played = Played([first])
    runs: list[PastRun] = []
    serving: Version | None = first
    while serving:
        serving = _serve(workshop, spec, traffic, played, runs, serving, recipe, run_days, refit, is_dry)
    return played


def _serve(
    workshop: Workshop,
    spec: LoopSpec,
    traffic: Traffic,
    played: Played,
    runs: list[PastRun],
    serving: Version,
    recipe: Recipe,
    run_days: float,
    refit: bool,
    is_dry: bool,
) -> Version | None:
    """Serve one version until the next one takes over; None: it served to the end."""
    for told in windows(spec, traffic, serving):
        decision = decide(spec, played.history, runs, told.drift)
        played.history.append(told.drift)
        if not decision.accepted or decision.episode is None:
            if told.drift.verdict == "drift":
                played.suppressed.append((told.drift, decision))
            continue
        runs.append(PastRun(decision.episode, told.drift.end, "succeeded"))
        played.started += 1
        if is_dry:
            continue
        live_at = told.moment + timedelta(days=run_days)
        following = _run(workshop, spec, traffic, played, serving, decision, told.moment, live_at, recipe, refit)
        if following is not None:
            return following
    return None


def _run(
    workshop: Workshop,
    spec: LoopSpec,
    traffic: Traffic,
    played: Played,
    serving: Version,
    decision: Decision,
    at: datetime,
    live_at: datetime,
    recipe: Recipe,
    refit: bool,
) -> Version | None:
    """Train, judge, and put what passes into service."""
    training, holdout = Window(decision.start, decision.end), Window(decision.end, decision.holdout_end)
    chosen = recipe(training)
    challenger = workshop.fit(spec, training, chosen)
    evaluation = workshop.judge(spec, holdout, challenger, serving.model)
    played.turns.append(Turn(at, decision, evaluation, live_at if evaluation.accepted else None, challenger.seconds))
    if not evaluation.accepted:
        return None
    if refit:
        challenger = workshop.fit(spec, Window(decision.start, decision.holdout_end), chosen)
    place = traffic.place(live_at)
    if place >= len(traffic.rows):
        return None
    following = version(spec, traffic, serving.number + 1, challenger, evaluation.roc_auc, place)
    played.versions.append(following)
    return following
