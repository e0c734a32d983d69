"""The runs of a loop as the policy sees them, out of claims and of what the pipelines API tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

from serving.trigger.claims import Held, run_name
from serving.trigger.policy import PastRun
from serving.trigger.runs import Run, State


def past_runs(
    loop: str, held: Sequence[Held], runs: Sequence[Run], now: datetime, environment: str = ""
) -> list[PastRun]:
    """Every claim; runs without one if a trigger made them or if they are in flight. `now` is event time."""
    states = {run.name: run.state for run in runs}
    claimed = [PastRun(each.claim.episode, each.claim.at, _state(each, states)) for each in held]
    names = {each.claim.run for each in held}
    others = [_other(loop, run, now, environment) for run in runs if run.name not in names]
    return [*claimed, *(run for run in others if run is not None)]


def _state(held: Held, states: dict[str, State]) -> State:
    """A run that is claimed but not made yet is in flight; one that the API tells no more of is over."""
    return states.get(held.claim.run, "in_flight" if held.run_id is None else "succeeded")


def _other(loop: str, run: Run, now: datetime, environment: str) -> PastRun | None:
    if run.state == "in_flight":
        return PastRun(run.name, now, run.state)
    if run.holdout_end is None or not run.name.startswith(run_name(loop, "")):
        return None
    # Another environment's run goes by its whole name: its windows may have the names of ours.
    episode = run.name.removeprefix(run_name(loop, "", environment))
    return PastRun(episode, datetime.combine(run.holdout_end, time(), UTC), run.state)
