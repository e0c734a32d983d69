"""From cases to figures: a session a model, then the starts."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pocket.progress import Progress, Step
from servers import cases, contenders, models, session
from servers.cases import WEIGHED_AFTER, Case, Round
from servers.contenders import Running
from servers.models import ServedModel
from servers.place import Place
from servers.session import Effort, Turns

_WEIGHED = "xgboost"
"""The model with which servers are weighed and started."""
_DROPPED = "predictor_payload_rows_dropped"
_SPOOLED = "predictor_payload_rows_spooled"


@dataclass
class Measured:
    """All figures: by case and contender, a value a repetition."""

    figures: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    turns: dict[str, Turns] = field(default_factory=dict)
    """The round of each case that has one."""
    rows_logged: int = 0
    rows_dropped: int = 0
    """Of the payload log, over everything."""


def measure(chosen: Sequence[Case], place: Place, effort: Effort, on_progress: Progress) -> Measured:
    """Everything that the cases need, each load once."""
    measured = Measured()
    kinds = {kind: models.fit(kind, place.folder) for kind in _kinds(chosen)}
    for kind, model in kinds.items():
        own = [case for case in chosen if _kind(case) == kind and case.figure != cases.SECONDS]
        if own:
            _session(own, model, place, effort, measured, on_progress)
    for case in chosen:
        if case.figure == cases.SECONDS:
            measured.figures[case.name] = _starts(case, kinds[_WEIGHED], place, effort, on_progress)
    return measured


def _kind(case: Case) -> str:
    return case.round.kind if case.round else _WEIGHED


def _kinds(chosen: Iterable[Case]) -> list[str]:
    return list(dict.fromkeys(_kind(case) for case in chosen))


def _session(
    own: Sequence[Case], model: ServedModel, place: Place, effort: Effort, measured: Measured, on_progress: Progress
) -> None:
    everybody = [*dict.fromkeys(name for case in own for name in case.contenders)]
    with session.started(sorted(everybody, key=contenders.ORDER.index), model, place, on_progress) as running:
        for turn in _rounds(own):
            names = {name for case in own if _takes_part(case, turn) for name in case.contenders}
            part = {name: server for name, server in running.items() if name in names}
            turns = session.play(turn, part, model, effort, on_progress)
            for case in own:
                if case.round == turn:
                    measured.turns[case.name] = turns
                    measured.figures[case.name] = _figures(case, turns)
        for case in own:
            if case.figure == cases.MIB:
                measured.figures[case.name] = {name: [_mebibytes(running[name])] for name in case.contenders}
        _count_logged(running, measured)
    on_progress(Step(model.kind, "measured", done=True))


def _takes_part(case: Case, turn: Round) -> bool:
    return case.round == turn or (case.figure == cases.MIB and turn in WEIGHED_AFTER)


def _mebibytes(server: Running) -> float:
    return server.process.resident_bytes() / 2**20


def _rounds(own: Sequence[Case]) -> list[Round]:
    weighed = WEIGHED_AFTER if any(case.figure == cases.MIB for case in own) else ()
    return list(dict.fromkeys([*(case.round for case in own if case.round), *weighed]))


def _figures(case: Case, turns: Turns) -> dict[str, list[float]]:
    return {
        name: [getattr(reading, case.figure) for reading in turns.readings[name]]
        for name in case.contenders
        if name in turns.readings
    }


def _starts(
    case: Case, model: ServedModel, place: Place, effort: Effort, on_progress: Progress
) -> dict[str, list[float]]:
    """Each alone on the processor. The first start of each warms the disk's cache, and does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in case.contenders}
    for repetition in range(-1, effort.repetitions):
        for name in case.contenders:
            on_progress(Step(case.name, f"{repetition + 1} of {effort.repetitions}, {name}"))
            with contenders.begin(name, model, place).process as process:
                taken = process.await_ready()
                process.stop(0)  # nothing is under way: no need to be patient
            if repetition >= 0:
                seconds[name].append(taken)
    on_progress(Step(case.name, "measured", done=True))
    return seconds


def _count_logged(running: dict[str, Running], measured: Measured) -> None:
    for name in (contenders.OURS, contenders.NATIVE):
        if name in running:
            counted = dict(_samples(running[name]))
            measured.rows_logged += int(counted.get(_SPOOLED, 0))
            measured.rows_dropped += int(counted.get(_DROPPED, 0))


def _samples(server: Running) -> Iterator[tuple[str, float]]:
    """Counters by name, their labels added up."""
    from prometheus_client.parser import text_string_to_metric_families

    with urllib.request.urlopen(f"http://127.0.0.1:{server.http_port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    for family in text_string_to_metric_families(text):
        yield family.name, sum(sample.value for sample in family.samples if not sample.name.endswith("_created"))
