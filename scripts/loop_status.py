"""How each loop stands, at a glance. Every fact is asked of whoever knows it; one that is away hides no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from threading import Thread
from time import monotonic
from typing import Any

from contracts.errors import DriftloopError, UnavailableError
from contracts.settings import Settings
from scripts.loop_facts import Canary, Champion, LoopStatus
from scripts.loop_sources import SOURCES, Ask

SECONDS = 10.0
"""How long all that is asked may take together."""


def loops_status(settings: Settings, env: Mapping[str, str], seconds: float = SECONDS) -> list[LoopStatus]:
    """Every loop that has an InferenceService or a registered version, as far as anybody answers in time."""
    loops = sorted(path.stem for path in settings.loops.glob("*.toml"))
    known = {name: ask for name, (variables, ask) in SOURCES.items() if any(env.get(one) for one in variables)}
    if "service" in known:
        import_module("kubernetes.client")  # work, not waiting: it is none of the time for answers
    found = answers(settings, known, loops, seconds)
    absent = {
        name: UnavailableError(f"{variables[0]} is not set, and no such server is up here.")
        for name, (variables, _) in SOURCES.items()
        if name not in known
    }
    each = {loop: {**absent, **{name: found[name, loop] for name in known}} for loop in loops}
    return [_status(loop, told) for loop, told in each.items() if _is_there(told, known)]


def answers(
    settings: Settings, asked: Mapping[str, Ask], loops: Sequence[str], seconds: float
) -> dict[tuple[str, str], Any]:
    """(Name, loop) → the answer or the DriftloopError in its place; all are asked at once, for so long at most."""
    found: dict[tuple[str, str], Any] = {
        (name, loop): UnavailableError(f"No answer within {seconds:g} s.") for name in asked for loop in loops
    }

    def ask(name: str, loop: str) -> None:
        try:
            found[name, loop] = asked[name](settings, loop)
        except DriftloopError as error:
            found[name, loop] = error

    threads = [Thread(target=ask, args=place, daemon=True) for place in found]  # one that hangs ends with the process
    for thread in threads:
        thread.start()
    deadline = monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    return dict(found)


def _is_there(told: Mapping[str, Any], asked: Mapping[str, Ask]) -> bool:
    """Whether somebody knows the loop, or somebody who might did not answer."""
    service, registry = told["service"], told["registry"]
    if any(isinstance(told[name], DriftloopError) for name in ("service", "registry") if name in asked):
        return True
    return (not isinstance(service, DriftloopError) and service is not None) or (
        not isinstance(registry, DriftloopError) and registry.has_versions
    )


def _status(loop: str, told: Mapping[str, Any]) -> LoopStatus:
    service, registry, log, run = (told[name] for name in ("service", "registry", "log", "run"))
    unknown = {
        fact: answer.what
        for fact, answer in (
            ("champion", registry),
            ("canary", service),
            ("last_window", log),
            ("last_decision", log),
            ("run", run),
        )
        if isinstance(answer, DriftloopError)
    }
    number = None if "champion" in unknown else registry.champion
    promoted = {} if "last_window" in unknown else log.promoted
    return LoopStatus(
        loop=loop,
        champion=Champion(number, promoted.get(number)) if number else None,
        canary=None if "canary" in unknown else _canary(service, number),
        last_window=None if "last_window" in unknown else log.window,
        last_decision=None if "last_decision" in unknown else log.decision,
        run=None if "run" in unknown else run,
        unknown=unknown,
    )


def _canary(service: Any, champion: str | None) -> Canary | None:
    """What the InferenceService names beside the champion, if it does not have all the traffic."""
    if service is None or service.has_all or service.served.number == champion:
        return None
    return Canary(service.served.number, service.percent)
