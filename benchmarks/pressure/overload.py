"""The play: capacity, half of it, three times as much, half of it again, capacity."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from servers import answers, contenders, forms, load, models
from servers.contenders import Running
from servers.forms import Asked
from servers.load import Reading
from servers.models import ServedModel
from servers.place import Place

from contracts.errors import DriftloopError
from pocket.progress import Progress, Step
from pressure.course import OK, Course
from pressure.generator import Generator, Phase
from pressure.probing import probing, taken

CALM_SECONDS = 10.0
CALM_SHARE = 0.5
"""Of capacity, before and after."""
_CAPACITY_SECONDS, _CAPACITY_RUNS = 3, 3
_WARM_SECONDS = 1.0
_CLIENTS = 64
"""Of the closed loop: more than this does not get more answers out of it."""


@dataclass(frozen=True)
class Size:
    """How much is offered."""

    rows: int
    connections: int
    factor: float
    """Times capacity."""
    seconds: float


@dataclass(frozen=True)
class Played:
    """What became of it."""

    capacity: float
    """Answers a second in a closed loop, before and after."""
    size: Size
    course: Course
    probe_seconds: list[float]
    """How long each readiness probe took under overload; inf where it was not answered with 200."""
    cpu_ms: tuple[float, float]
    """The server's processor time for each 200: in a closed loop, and over the play, refusals included."""
    mebibytes: tuple[float, float]
    """Resident before and after."""

    @property
    def begin(self) -> float:
        """When the overload begins, by the generator's clock."""
        return _WARM_SECONDS + CALM_SECONDS

    @property
    def end(self) -> float:
        """When it ends."""
        return self.begin + self.size.seconds


def play(place: Place, size: Size, on_progress: Progress) -> Played:
    """Start the predictor, play, stop it."""
    model = models.fit("xgboost", place.folder)
    on_progress(Step("overload", "starting the predictor"))
    server = contenders.begin(contenders.OURS, model, place)
    with server.process:
        server.process.await_ready()
        request = forms.v2_json(models.rows(size.rows))
        answer_bytes = _checked(server, request, model, size.rows)
        before = _capacity(server, request, answer_bytes, on_progress)
        light = server.process.resident_bytes() / 2**20
        used = server.process.cpu_seconds()
        course, probes = _offer(server, request, size, median(run.rps for run in before), on_progress)
        used = server.process.cpu_seconds() - used
        heavy = server.process.resident_bytes() / 2**20
        after = _capacity(server, request, answer_bytes, on_progress)
    on_progress(Step("overload", "played", done=True))
    runs = [*before, *after]
    closed = median(run.server_share / run.rps for run in runs)
    cpu_ms = closed * 1e3, used / max(1, course.count(OK)) * 1e3
    return Played(median(run.rps for run in runs), size, course, probes, cpu_ms, (light, heavy))


def _checked(server: Running, request: Asked, model: ServedModel, rows: int) -> int:
    answer = answers.ask(server, request)
    answers.require_same(server.name, answer.scores, model.score(models.rows(rows)), is_exact=False)
    return answer.bytes


def _capacity(server: Running, request: Asked, answer_bytes: int, on_progress: Progress) -> list[Reading]:
    on_progress(Step("overload", "capacity: a closed loop"))
    return [load.run(server, request, _CLIENTS, _CAPACITY_SECONDS, answer_bytes) for _ in range(_CAPACITY_RUNS)]


def _offer(
    server: Running, request: Asked, size: Size, capacity: float, on_progress: Progress
) -> tuple[Course, list[float]]:
    calm, much = capacity * CALM_SHARE, capacity * size.factor
    phases = [Phase(calm, _WARM_SECONDS + CALM_SECONDS), Phase(much, size.seconds), Phase(calm, CALM_SECONDS)]
    total = sum(phase.seconds for phase in phases)
    on_progress(Step("overload", f"{calm:,.0f}, then {much:,.0f}, then {calm:,.0f} requests a second: {total:.0f} s"))
    generator = Generator(server.http_port, http(request), size.connections)
    with probing(server.http_port, _WARM_SECONDS + CALM_SECONDS, size.seconds) as probes:
        outcomes = generator.run(phases)
        probed = taken(probes)
    course = Course.of(outcomes)
    if len(course.due) < 0.99 * sum(phase.rate * phase.seconds for phase in phases):
        raise DriftloopError("The generator could not send what it should.", "Give larger requests: --rows.")
    return course.between(_WARM_SECONDS, float("inf")), probed


def http(request: Asked) -> bytes:
    """A request as it goes over the wire."""
    headers = {"host": "127.0.0.1", **request.headers, "content-length": str(len(request.body))}
    lines = [f"POST {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + request.body
