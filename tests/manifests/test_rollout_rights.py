"""The step `rollout` may do what it does and nothing else; no other part of driftloop may do anything at all."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiException

from components.inference_service import PLURAL, RESOURCE, InferenceService, Served
from components.rollout import Rollout
from components.rollout_story import Story
from components.steering import Clock, Steering
from contracts.errors import ConfigError
from contracts.loop import LoopSpec
from pocket.checkout import ROOT
from tests.components.rollout_kserve import Controller
from tests.manifests.api_server import NAMESPACE, client, serving
from tests.manifests.renderings import Json, rendered

OVERLAY, STEPS = "manifests/overlays/staging", "kubeflow:pipeline-runner"
ONE, TWO, THREE = (Served(number, f"s3://mlflow/{number}/", number * 64) for number in "123")


@pytest.fixture
def objects() -> list[Json]:
    """What is applied to a cluster."""
    return copy.deepcopy(rendered(OVERLAY))


@pytest.fixture(scope="module")
def spec() -> LoopSpec:
    """A loop."""
    return LoopSpec.load(ROOT / "pipelines/loops/flights.toml")


def test_a_rollout_uses_exactly_its_rights(objects: list[Json], spec: LoopSpec, tmp_path: Path) -> None:
    """First version, second one, shares, the way back, one that is never ready: each is needed, and they suffice."""
    with serving(tmp_path, objects, STEPS) as rights:
        roll_out(tmp_path, spec)
        assert rights.used == rights.grants
    assert len(rights.grants) == 4


@pytest.mark.parametrize("verb", ["get", "create", "patch", "delete"])
def test_without_one_of_them_it_fails(verb: str, objects: list[Json], spec: LoopSpec, tmp_path: Path) -> None:
    """It says what it was refused."""
    [role] = [found for found in objects if found["kind"] == "Role"]
    role["rules"][0]["verbs"].remove(verb)
    with serving(tmp_path, objects, STEPS), pytest.raises(ConfigError, match=f"{STEPS}. cannot {verb} "):
        roll_out(tmp_path, spec)


@pytest.mark.parametrize("more", [{"verbs": ["list"]}, {"apiGroups": [""], "resources": ["secrets"]}])
def test_a_right_too_many_is_noticed(more: Json, objects: list[Json], spec: LoopSpec, tmp_path: Path) -> None:
    """It is granted and never used."""
    [role] = [found for found in objects if found["kind"] == "Role"]
    role["rules"].append({**role["rules"][0], **more})
    with serving(tmp_path, objects, STEPS) as rights:
        roll_out(tmp_path, spec)
        assert rights.grants - rights.used


@pytest.mark.parametrize("account", ["predictor", "eventlog", "drift", "trigger"])
def test_services_may_do_nothing(account: str, objects: list[Json], tmp_path: Path) -> None:
    """Even if one of them had a token."""
    with serving(tmp_path, objects, f"{NAMESPACE}:{account}"):
        steps = client(tmp_path, "account")
        with pytest.raises(ConfigError, match="cannot get resource"):
            InferenceService(steps, NAMESPACE, "flights").read()


def test_other_namespaces_are_closed(objects: list[Json], tmp_path: Path) -> None:
    """The right is one of the loop's namespace; and only objects of this kind are meant."""
    with serving(tmp_path, objects, STEPS):
        steps = client(tmp_path, "account")
        for group, version, namespace, plural in (
            (*RESOURCE, "default", PLURAL),
            ("serving.knative.dev", "v1", NAMESPACE, "services"),
        ):
            with pytest.raises(ApiException) as refused:
                steps.list_namespaced_custom_object(group, version, namespace, plural)
            assert refused.value.status == 403


def test_nothing_else_asks_the_api() -> None:
    """The client of the Kubernetes API is imported by two modules of what runs on a cluster."""
    folders = ("contracts", "feature_store", "components", "serving", "pipelines")
    sources = (path for folder in folders for path in (ROOT / folder).glob("**/*.py"))
    found = {path.relative_to(ROOT).as_posix() for path in sources if "from kubernetes" in path.read_text()}
    assert found == {"components/cluster.py", "components/inference_service.py"}


def test_no_account_has_a_token_that_it_does_not_need(objects: list[Json]) -> None:
    """Only the steps' account, which is not ours, is bound to a Role."""
    accounts = [found for found in objects if found["kind"] == "ServiceAccount"]
    assert [found["automountServiceAccountToken"] for found in accounts] == [False] * 4
    subjects = [each for found in objects if found["kind"] == "RoleBinding" for each in found["subjects"]]
    assert [f"{each['namespace']}:{each['name']}" for each in subjects] == [STEPS]


def roll_out(folder: Path, spec: LoopSpec) -> None:
    """All that the step does to an InferenceService, by the steps' own account; KServe is the cluster's."""
    steps = client(folder, "account")
    kserve = Controller(client(folder, "owner"), NAMESPACE, "flights", lambda model: "/3/" not in model["storageUri"])
    kserve.start()
    try:
        service = InferenceService(steps, NAMESPACE, "flights")
        for candidate, champion in ((ONE, None), (TWO, ONE)):
            rollout = Rollout(spec, _steering(service, candidate), _no_canary, lambda _: None, Story("flights", "1"))
            assert rollout.run((), champion).last.verdict == "promoted"
        back = _steering(service, ONE)
        state = service.read()
        assert state is not None
        back.deploy(state)
        back.give(50)
        assert back.restore(TWO) == ""
    finally:
        kserve.stop()
    never = InferenceService(steps, NAMESPACE, "never_ready")
    story = Rollout(spec, _steering(never, THREE, 0.2), _no_canary, lambda _: None, Story("n", "3")).run((), None)
    assert story.last.verdict == "rolled_back"
    assert never.read() is None


def _steering(service: InferenceService, candidate: Served, ready_seconds: float = 20) -> Steering:
    return Steering(service, candidate, ready_seconds, 0.02, Clock())


def _no_canary(_: Served) -> Any:
    raise AssertionError("nothing is judged here")
