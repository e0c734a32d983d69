"""In mode Standard too: what serves is not touched before the candidate has passed, and there is a way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.cluster import custom_objects
from components.inference_service import InferenceService, Served, State, SupersededError
from components.rollout import Rollout
from components.rollout_story import Story
from components.standard_service import StandardService, in_mode
from components.steering import Clock, NeverReadyError, Steering
from contracts.errors import ConfigError
from contracts.loop import LoopSpec
from tests.components.rollout_standard import StandardController

ONE, TWO, THREE = (Served(number, f"s3://mlflow/{number}/", number * 64) for number in "123")


@dataclass
class Scene:
    """One InferenceService, and KServe beside it, by which version 3 never becomes ready."""

    service: InferenceService
    controller: StandardController
    spec: LoopSpec

    def steering(self, candidate: Served, ready_seconds: float = 20) -> Steering:
        """Of a candidate."""
        return Steering(self.service, candidate, ready_seconds, 0.02, Clock())

    def roll(self, candidate: Served, champion: Served | None, ready_seconds: float = 20) -> str:
        """Roll a version out without steps; the verdict."""
        steering, story = self.steering(candidate, ready_seconds), Story("flights", candidate.number)
        return Rollout(self.spec, steering, _unjudged, lambda _: None, story).run((), champion).last.verdict

    @property
    def state(self) -> State:
        """What there is now."""
        state = self.service.read()
        assert state is not None
        return state

    @property
    def history(self) -> list[dict[str, int]]:
        """Traffic by version, each time it changed."""
        return [shares for shares in self.controller.deployments.history if shares]


def _unjudged(_: Served) -> Any:
    raise AssertionError("there are no steps")


@pytest.fixture
def scene(kubeconfig: Path, spec: LoopSpec, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Version 1 serves."""
    client, name = custom_objects({"KUBECONFIG": str(kubeconfig)}), f"s{abs(hash(request.node.nodeid)) % 10**12}"
    service = in_mode(InferenceService(client, "default", name), "Standard")
    controller = StandardController(client, "default", name, lambda model: "/3/" not in model["storageUri"])
    controller.start()
    made = Scene(service, controller, spec)
    assert made.roll(ONE, None) == "promoted"
    yield made
    controller.stop()
    service.delete()


def test_a_version_takes_over_without_a_restart(scene: Scene) -> None:
    """It comes up without traffic, then has all of it, in the Deployment in which it came up."""
    assert scene.roll(TWO, ONE) == "promoted"
    assert scene.history == [{"1": 100}, {"2": 100}]
    assert scene.controller.deployments.restarts == 0
    assert (scene.state.served, scene.state.percent, scene.state.rolled_out) == (TWO, None, "v2")
    assert scene.state.body["spec"].get("canary") is None


def test_shares_follow_and_go_back(scene: Scene) -> None:
    """10 %, 50 %, nothing: the version that serves was there all along."""
    steering = scene.steering(TWO)
    steering.deploy(scene.state)
    for percent in (10, 50):
        steering.give(percent)
        steering.check(percent)
    assert steering.restore(ONE) == ""
    assert scene.history == [{"1": 100}, {"1": 90, "2": 10}, {"1": 50, "2": 50}, {"1": 100}]
    assert scene.state.is_whole
    assert scene.controller.deployments.restarts == 0


def test_one_that_is_never_ready_never_has_traffic(scene: Scene) -> None:
    """It is rolled back, and nothing of it is left."""
    assert scene.roll(THREE, ONE, ready_seconds=0.5) == "rolled_back"
    assert scene.history == [{"1": 100}]
    assert (scene.state.served, scene.state.body["spec"].get("canary")) == (ONE, None)


def test_a_half_done_rollout_is_taken_over(scene: Scene) -> None:
    """By the version after it, beside the champion."""
    left = scene.steering(THREE, 0.2)
    with pytest.raises(NeverReadyError):
        left.deploy(scene.state)
    assert scene.roll(TWO, ONE) == "promoted"
    with pytest.raises(SupersededError):
        left.check(0)
    assert scene.history == [{"1": 100}, {"2": 100}]


def test_what_is_the_users_stays(scene: Scene) -> None:
    """Replicas, and variables of the model's environment."""
    entry = {"name": "MINE", "value": "kept"}
    environment = [*scene.state.body["spec"]["predictor"]["model"]["env"], entry]
    patch = {"spec": {"predictor": {"minReplicas": 3, "model": {"env": environment}}}}
    scene.service.client.patch_namespaced_custom_object(*scene.service.place, scene.service.name, patch)
    assert scene.roll(TWO, ONE) == "promoted"
    predictor = scene.state.body["spec"]["predictor"]
    assert (predictor["minReplicas"], entry in predictor["model"]["env"]) == (3, True)


def test_one_of_the_other_mode_is_left_alone(kubeconfig: Path) -> None:
    """The mode cannot be changed: the error says what can be done."""
    client = custom_objects({"KUBECONFIG": str(kubeconfig)})
    service = InferenceService(client, "default", "of_knative")
    service.create(ONE)
    assert in_mode(service, "Knative") is service
    with pytest.raises(ConfigError, match="is in mode Knative, not Standard"):
        StandardService(client, "default", "of_knative").read()
    service.delete()
