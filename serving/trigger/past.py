"""The runs of a loop as the policy sees them, out of claims and of what the pipelines API tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

from serving.trigger.claims import Held
from serving.trigger.policy import PastRun
from serving.trigger.runs import Run, State


def past_runs(loop: str, held: Sequence[Held], runs: Sequence[Run], now: datetime) -> list[PastRun]:
    """Every claim; runs without one if the trigger made them or if they are in flight. `now` is event time."""
    states = {run.name: run.state for run in runs}
    claimed = [PastRun(each.claim.episode, each.claim.at, _state(each, states)) for each in held]
    names = {each.claim.run for each in held}
    others = [_other(loop, run, now) for run in runs if run.name not in names]
    return [*claimed, *(run for run in others if run is not None)]


def _state(held: Held, states: dict[str, State]) -> State:
    """A run that is claimed but not made yet is in flight; one that the API tells no more of is over."""
    return states.get(held.claim.run, "in_flight" if held.run_id is None else "succeeded")


def _other(loop: str, run: Run, now: datetime) -> PastRun | None:
    if run.state == "in_flight":
        return PastRun(run.name, now, run.state)
    episode = run.name.removeprefix(f"{loop}-retrain-")
    if episode == run.name or run.holdout_end is None:
        return None
    return PastRun(episode, datetime.combine(run.holdout_end, time(), UTC), run.state)
