"""All contenders of one model, running at the same time and asked in turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from contracts.errors import DriftloopError
from pocket.progress import Progress, Step
from servers import answers, contenders, load
from servers.answers import CannotError
from servers.cases import Round
from servers.contenders import Running
from servers.load import Reading
from servers.models import ServedModel, rows
from servers.place import Place

WARM_SECONDS = 1


@dataclass(frozen=True)
class Effort:
    """How long and how often each contender is asked."""

    repetitions: int
    seconds: int


@dataclass
class Turns:
    """What a round gave."""

    readings: dict[str, list[Reading]] = field(default_factory=dict)
    """A reading a repetition, by contender."""
    cannot: dict[str, str] = field(default_factory=dict)
    """Why a contender could not take part."""


@contextmanager
def started(
    names: Sequence[str], model: ServedModel, place: Place, on_progress: Progress
) -> Iterator[dict[str, Running]]:
    """The contenders, ready; stopped in the end."""
    with ExitStack() as stack:
        on_progress(Step(model.kind, f"starting {', '.join(names)}"))
        running: dict[str, Running] = {}
        for name in names:
            running[name] = contenders.begin(name, model, place)
            stack.enter_context(running[name].process)
        for server in running.values():
            server.process.await_ready()
        yield running


def play(
    turn: Round, running: Mapping[str, Running], model: ServedModel, effort: Effort, on_progress: Progress
) -> Turns:
    """Check that all give the model's answers, then load them one after the other, again and again."""
    turns = Turns()
    checked = {name: _checked(turn, server, model, turns) for name, server in running.items()}
    sizes = {name: size for name, size in checked.items() if size is not None}
    repetitions = effort.repetitions * turn.times
    for repetition in range(-1, repetitions):  # the first one warms up, and does not count
        seconds = WARM_SECONDS if repetition < 0 else effort.seconds
        for name, size in sizes.items():
            count = f"{repetition + 1} of {repetitions}"
            on_progress(Step(model.kind, f"{turn.form}, {turn.rows} rows, {turn.clients} clients: {count}, {name}"))
            request = contenders.asked(name, turn.form, model.kind, rows(turn.rows))
            assert request is not None  # noqa: S101  it was answered above
            reading = load.run(running[name], request, turn.clients, seconds, size)
            if repetition >= 0:
                turns.readings.setdefault(name, []).append(reading)
    return turns


def _checked(turn: Round, server: Running, model: ServedModel, turns: Turns) -> int | None:
    """Bytes of a right answer; None, and noted why, for another server that has none."""
    matrix = rows(turn.rows)
    request = contenders.asked(server.name, turn.form, model.kind, matrix)
    if request is None:
        turns.cannot[server.name] = "it does not speak the form"
        return None
    try:
        answer = answers.ask(server, request)
    except CannotError as error:
        if server.name not in (contenders.MLSERVER, contenders.FASTAPI):
            raise DriftloopError(f"{server.name} does not answer: {error.what}") from error
        turns.cannot[server.name] = error.what
        return None
    is_exact = server.name == contenders.NATIVE
    answers.require_same(server.name, answer.scores, model.score(matrix), is_exact=is_exact)
    return answer.bytes
