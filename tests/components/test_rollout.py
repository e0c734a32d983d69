"""rollout: whatever happens, in the end one whole version serves, and no bad one had more than its share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.canary import Canary, Model
from components.cluster import custom_objects
from components.inference_service import InferenceService, Served, State
from components.plan import Trial
from components.rollout import Rollout
from components.rollout_story import Decision, Story
from components.select import select
from components.steering import Clock, Steering
from components.train import Result
from contracts.events import Rollout as RolloutEvent
from contracts.loop import LoopSpec, RolloutSpec
from contracts.window import Window
from feature_store.contract import DataContract
from tests.components.rollout_kserve import Controller, Json, version_of
from tests.components.rollout_log import MemoryLog, logged, model

WINDOW = Window.parse("2013-01-01", "2013-02-01")
QUICK = RolloutSpec(steps=(10, 50), min_rows=80, hold_seconds=0.3, ready_seconds=3, extensions=1)
ONE, TWO, THREE = (Served(number, f"s3://mlflow/{number}/", number * 64) for number in "123")


class Killed(BaseException):
    """The process is gone: nothing after it runs."""


@pytest.fixture(scope="session")
def client(kubeconfig: Path) -> Any:
    """A client of a running API server."""
    return custom_objects({"KUBECONFIG": str(kubeconfig)})


@pytest.fixture(scope="session")
def models(
    frame: Path, contract: DataContract, spec: LoopSpec, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Model]:
    """Three registered versions, a little different."""
    found = {}
    for number, trees in (("1", 30), ("2", 40), ("3", 50)):
        folder = tmp_path_factory.mktemp(f"model-{number}")
        trial = Trial(number=0, kind="xgboost", params={"n_estimators": trees, "max_depth": 3})
        select(spec, contract, frame, WINDOW, Result(trial=trial, roc_auc=0.8, log_loss=0.5, seconds=1), folder)
        found[number] = model(folder, number)
    return found


@dataclass
class Scene:
    """One InferenceService, KServe beside it, and a log."""

    service: InferenceService
    controller: Controller
    spec: LoopSpec
    log: MemoryLog
    models: dict[str, Model]

    def roll(
        self,
        candidate: Served,
        champion: Served | None,
        percents: tuple[int, ...] | None = None,
        tell: Callable[[Decision], object] = lambda decision: None,
        service: InferenceService | None = None,
    ) -> Story:
        """Roll a version out. Every decision must be an event that can be told."""
        story = Story("flights", candidate.number)

        def told(decision: Decision) -> None:
            RolloutEvent.model_validate_json(story.event(decision).model_dump_json())
            tell(decision)

        def canary_of(stable: Served) -> Canary:
            return Canary(self.log, self.models[candidate.number], self.models[stable.number])

        steering = Steering(service or self.service, candidate, self.spec.rollout.ready_seconds, 0.02, Clock())
        steps = self.spec.rollout.steps if percents is None else percents
        self.log.seen.clear()
        return Rollout(self.spec, steering, canary_of, told, story).run(steps, champion)

    @property
    def state(self) -> State:
        """What there is now."""
        state = self.service.read()
        assert state is not None
        return state

    @property
    def history(self) -> list[dict[str, int]]:
        """Traffic by version, each time it changed."""
        return self.controller.revisions.history


@pytest.fixture
def scene(
    client: Any, models: dict[str, Model], spec: LoopSpec, frame: Path, request: pytest.FixtureRequest
) -> Iterator[Scene]:
    """Version 1 serves whatever is asked, and good rows are logged of every version."""
    name = f"t{abs(hash(request.node.nodeid)) % 10**12}"
    service = InferenceService(client, "default", name)
    controller = Controller(client, "default", name, lambda model: True)
    controller.start()
    log = MemoryLog([_rows(models, frame)])
    whole = spec.model_copy(update={"rollout": QUICK, "gate": spec.gate.model_copy(update={"tolerance": 0.1})})
    made = Scene(service, controller, whole, log, models)
    if "bare" not in request.keywords:
        assert made.roll(ONE, None).last.verdict == "promoted"
    yield made
    controller.stop()
    service.delete()


def _rows(models: dict[str, Model], frame: Path, **canary: float) -> dict[str, Any]:
    first = {"1": logged(models["1"], frame, 400, seed=1)}
    return first | {number: logged(models[number], frame, 100, seed=int(number), **canary) for number in "23"}


def _verdicts(story: Story) -> list[tuple[int, str]]:
    return [(decision.percent, decision.verdict) for decision in story.decisions]


def _is_back(scene: Scene) -> None:
    """Version 1 has everything, nothing remains of another."""
    assert scene.state.served == ONE
    assert scene.state.is_whole
    assert scene.state.percent is None
    assert scene.history[-1] == {"1": 100}


@pytest.mark.bare
def test_the_first_version(scene: Scene) -> None:
    """Made, waited for, promoted without a canary; run again it changes nothing."""
    story = scene.roll(ONE, None)
    assert _verdicts(story) == [(100, "promoted")]
    model = scene.state.body["spec"]["predictor"]["model"]
    assert (model["modelFormat"], model["runtime"]) == ({"name": "driftloop"}, "driftloop-predictor")
    assert model["storageUri"] == "s3://mlflow/1/"
    assert scene.state.is_whole
    before = scene.state.body["metadata"]["generation"]
    assert _verdicts(scene.roll(ONE, None)) == [(100, "promoted")]
    assert scene.state.body["metadata"]["generation"] == before


@pytest.mark.bare
def test_a_first_version_that_is_never_ready(scene: Scene) -> None:
    """Nothing served before it, so nothing stays; the reasons are those of the status. The next one is the first."""
    scene.spec = _with(scene.spec, ready_seconds=0.5)
    scene.controller.revisions.is_ready = lambda model: version_of(model) != "1"
    story = scene.roll(ONE, None)
    assert _verdicts(story) == [(0, "rolled_back")]
    assert "driftloop.json has another sha256" in story.last.reasons[0]
    assert scene.service.read() is None
    assert scene.roll(TWO, None).last.verdict == "promoted"


def test_a_good_canary(scene: Scene) -> None:
    """Its share grows step by step, each judged; then it has all, and the spec says nothing of a canary."""
    story = scene.roll(TWO, ONE)
    assert _verdicts(story) == [(10, "pass"), (50, "pass"), (100, "promoted")]
    assert scene.history == [{"1": 100}, {"1": 90, "2": 10}, {"1": 50, "2": 50}, {"2": 100}]
    assert (scene.state.served, scene.state.percent) == (TWO, None)
    assert {check.name: check.verdict for check in story.looks[-1].checks} == {
        "errors": "pass",
        "latency": "pass",
        "score_distance": "pass",
        "faithfulness": "pass",
        "agreement": "pass",
        "quality": "unknown",
    }


def test_a_bad_canary_goes_back_at_once(scene: Scene, frame: Path) -> None:
    """It fails at the second step for its errors: the version before it serves, as if nothing had been."""
    scene.log.steps.append(_rows(scene.models, frame, error_share=0.5))
    story = scene.roll(TWO, ONE)
    assert _verdicts(story) == [(10, "pass"), (50, "fail"), (50, "rolled_back")]
    assert "requests failed" in " ".join(story.last.reasons)
    assert story.last.evidence["canary_error_share"] == pytest.approx(0.5, abs=0.2)
    assert scene.history == [{"1": 100}, {"1": 90, "2": 10}, {"1": 50, "2": 50}, {"1": 100}]
    _is_back(scene)


def test_a_version_after_one_that_went_back(scene: Scene, frame: Path) -> None:
    """The bad version gets no traffic again while the next one starts, whatever the order of things."""
    good, bad = scene.log.steps[0], _rows(scene.models, frame, slower=20)
    scene.log.steps = [bad]
    assert scene.roll(TWO, ONE).last.verdict == "rolled_back"
    scene.log.steps = [good]
    before = len(scene.history)
    assert scene.roll(THREE, ONE).last.verdict == "promoted"
    assert not any("2" in shares for shares in scene.history[before:])


def test_a_canary_that_is_never_ready(scene: Scene) -> None:
    """Such as one whose files are not what was registered: no traffic at any time, and the reason is told."""
    scene.spec = _with(scene.spec, ready_seconds=0.5)
    scene.controller.revisions.is_ready = lambda model: version_of(model) != "2"
    story = scene.roll(TWO, ONE)
    assert _verdicts(story) == [(0, "rolled_back")]
    assert "driftloop.json has another sha256" in story.last.reasons[0]
    assert scene.history == [{"1": 100}]
    _is_back(scene)


@pytest.mark.parametrize("away", [False, True], ids=["no rows", "no log"])
def test_nothing_to_judge_is_no_success(scene: Scene, away: bool) -> None:
    """The step is extended, then the version goes back."""
    scene.log.steps, scene.log.away = [{}], away
    story = scene.roll(TWO, ONE)
    assert _verdicts(story) == [(10, "inconclusive"), (10, "inconclusive"), (10, "rolled_back")]
    assert ("does not answer" if away else "has 0 rows") in " ".join(story.last.reasons)
    _is_back(scene)


def test_rows_that_cannot_be_read(scene: Scene) -> None:
    """A canary that cannot be judged does not stay."""
    table = scene.log.steps[0]["2"]
    place = table.column_names.index("temp")
    scene.log.steps[0]["2"] = table.set_column(place, "temp", [["warm"] * table.num_rows])
    story = scene.roll(TWO, ONE)
    assert _verdicts(story) == [(10, "fail"), (10, "rolled_back")]
    assert "'temp'" in " ".join(story.last.reasons)
    _is_back(scene)


def test_direct(scene: Scene) -> None:
    """All at once, but not before it is ready."""
    story = scene.roll(TWO, ONE, percents=())
    assert _verdicts(story) == [(100, "promoted")]
    assert scene.history == [{"1": 100}, {"2": 100}]


def test_the_champion_itself(scene: Scene) -> None:
    """Nothing is written and nobody told."""
    before = scene.state.body["metadata"]["resourceVersion"]
    told: list[Decision] = []
    assert scene.roll(ONE, ONE, tell=told.append).last.verdict == "promoted"
    assert scene.state.body["metadata"]["resourceVersion"] == before
    assert not told


@pytest.mark.parametrize("writes", [1, 2, 3, 4])
def test_killed_amid_a_good_rollout(scene: Scene, writes: int) -> None:
    """After whichever write: run again, it goes on and ends well, and never has the share of a later step twice."""
    with pytest.raises(Killed):
        scene.roll(TWO, ONE, service=_killed_after(scene.service, writes))
    assert scene.roll(TWO, ONE).last.verdict == "promoted"
    assert (scene.state.served, scene.state.is_whole) == (TWO, True)
    shares = [shares.get("2", 0) for shares in scene.history]
    assert shares == sorted(shares)


@pytest.mark.parametrize("writes", [1, 2, 3, 4])
def test_killed_amid_a_bad_rollout(scene: Scene, frame: Path, writes: int) -> None:
    """After whichever write: run again, it ends where it began."""
    scene.log.steps = [_rows(scene.models, frame, slower=20)]
    with pytest.raises(Killed):
        scene.roll(TWO, ONE, service=_killed_after(scene.service, writes))
    assert scene.roll(TWO, ONE).last.verdict == "rolled_back"
    assert max(shares.get("2", 0) for shares in scene.history) == 10
    _is_back(scene)


def test_what_somebody_else_left_half_done(scene: Scene) -> None:
    """Another version's canary, whose rollout is gone: it loses its traffic, the champion is what stays."""
    with pytest.raises(Killed):
        scene.roll(TWO, ONE, service=_killed_after(scene.service, 2))
    story = scene.roll(THREE, ONE)
    assert story.stable == "1"
    assert story.last.verdict == "promoted"
    assert scene.history[-4:] == [{"1": 100}, {"1": 90, "3": 10}, {"1": 50, "3": 50}, {"3": 100}]


def test_the_champion_at_once_ends_what_is_half_done(scene: Scene) -> None:
    """Another version's canary, whose rollout is gone: asked for without a canary, the champion has all again."""
    with pytest.raises(Killed):
        scene.roll(TWO, ONE, service=_killed_after(scene.service, 2))
    assert scene.state.served == TWO
    assert _verdicts(scene.roll(ONE, ONE, percents=())) == [(100, "promoted")]
    _is_back(scene)


def test_another_rollout_takes_over(scene: Scene) -> None:
    """Whoever finds another version in its place ends and touches nothing."""

    def take_over(decision: Decision) -> None:
        if decision.verdict == "pass":
            scene.service.change(THREE, 0, over=TWO)

    story = scene.roll(TWO, ONE, tell=take_over)
    assert _verdicts(story) == [(10, "pass"), (0, "rolled_back")]
    assert "taken over" in story.last.reasons[0]
    assert (scene.state.served, scene.state.percent) == (THREE, 0)


def test_stable_traffic_that_moved(scene: Scene) -> None:
    """KServe may take a share below 100 for a wish to go back a version: the stable version is brought back."""
    assert scene.roll(TWO, ONE).last.verdict == "promoted"
    revisions = scene.controller.revisions
    waiting = iter([True])

    def is_ready(model: Json) -> bool:
        if version_of(model) == "3" and next(waiting, False):
            revisions.rolled_out = revisions.previous
        return True

    revisions.is_ready = is_ready
    story = scene.roll(THREE, TWO)
    assert _verdicts(story) == [(0, "rolled_back")]
    assert "gave the stable traffic to revision" in story.last.reasons[0]
    assert (scene.state.served, scene.state.is_whole) == (TWO, True)
    assert scene.history[-1] == {"2": 100}


def test_what_users_set_stays(scene: Scene) -> None:
    """Resources, replicas and other variables are not the rollout's."""
    place = (*scene.service.place, scene.service.name)
    env = [{"name": "THREADS", "value": "2"}, *scene.state.body["spec"]["predictor"]["model"]["env"]]
    own = {"minReplicas": 2, "model": {"env": env, "resources": {"requests": {"cpu": "1"}}}}
    scene.service.client.patch_namespaced_custom_object(*place, {"spec": {"predictor": own}})
    deadline = time.monotonic() + 20
    while scene.state.created.endswith("1") or not scene.state.is_whole:
        assert time.monotonic() < deadline
    assert scene.roll(TWO, ONE).last.verdict == "promoted"
    predictor = scene.state.body["spec"]["predictor"]
    assert predictor["minReplicas"] == 2
    assert predictor["model"]["resources"] == {"requests": {"cpu": "1"}}
    assert {"name": "THREADS", "value": "2"} in predictor["model"]["env"]


def _with(spec: LoopSpec, **changed: object) -> LoopSpec:
    return spec.model_copy(update={"rollout": spec.rollout.model_copy(update=changed)})


def _killed_after(service: InferenceService, writes: int) -> InferenceService:
    """A service whose user is gone once it has written so often."""

    class Mortal(InferenceService):
        left = writes

        def _patch(self, state: State, served: Served, percent: int | None) -> None:
            super()._patch(state, served, percent)
            self.left -= 1
            if self.left == 0:
                raise Killed

    mortal = Mortal(service.client, "default", "x")
    mortal.name, mortal.what = service.name, service.what
    return mortal
