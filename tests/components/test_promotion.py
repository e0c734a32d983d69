"""promote: an approved version into the next environment; MLflow, S3 and the Kubernetes API are real."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components import rollout
from components.approval import Approval
from components.cluster import custom_objects
from components.promotion import Promotion
from components.rollout_story import Story
from contracts import parquet
from contracts.errors import ConfigError, IntegrityError, RejectedError, UnavailableError
from contracts.eventlog import EventLog, clock_name
from contracts.loop import LoopSpec
from contracts.model import CARD
from contracts.objects import ObjectStore
from contracts.pointer import ModelPointer
from contracts.settings import Settings
from feature_store.contract import DataContract
from tests.components.promotion_scene import Scene, predictor, scene_of
from tests.components.rollout_log import logged, model


@pytest.fixture
def scene(
    services: Settings,
    kubeconfig: Path,
    spec: LoopSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    """A loop of the test's own, in two environments with KServe in each."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", services.s3_access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", services.s3_secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", services.s3_region)
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", services.s3_endpoint)
    _make_namespace("production")
    loop = spec.model_copy(update={"name": f"p{abs(hash(request.node.nodeid)) % 10**9}"})
    with predictor() as told:
        made = scene_of(services, loop, told, custom_objects(), tmp_path)
        made.start(made.source)
        made.start(made.target)
        yield made
        made.end()


def _make_namespace(name: str) -> None:
    from kubernetes import client

    core = client.CoreV1Api(custom_objects().api_client)
    if name not in {found.metadata.name for found in core.list_namespace().items}:
        core.create_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def test_a_version_is_approved_and_promoted(scene: Scene, frame: Path, contract: DataContract) -> None:
    """What it rests on is recorded with the version; the alias of the other environment moves, and no other."""
    version = scene.version(frame, contract, trees=3)
    scene.serve(version)
    scene.approve(version)
    approval = Approval.model_validate_json(scene.tags(version)["approval"])
    assert (approval.by, approval.reason) == ("Ada", "It is better.")
    assert approval.evidence["gate"] == "accepted"
    assert approval.evidence["holdout_roc_auc"] == "0.750000"
    assert approval.evidence["card_sha256"] == version.card_sha256
    assert (approval.smoke.environment, approval.smoke.rows) == ("staging", 8)
    assert approval.smoke.difference <= 1e-6
    assert scene.predictor.hosts[0] == "predictor.example.com"

    assert scene.promote(version).state == "promoted"
    assert scene.registry.find(f"{scene.spec.name}@champion") is None
    assert scene.registry.resolve(f"{scene.spec.name}@champion-production").number == version.number
    state = scene.service(scene.target).read()
    assert state is not None
    assert (state.served.number, state.is_whole) == (version.number, True)
    pointer = ModelPointer.read(
        ObjectStore(scene.settings), str(scene.target.data_bucket), scene.spec.name, version.number
    )
    assert pointer.card_sha256 == version.card_sha256
    tags = scene.tags(version)
    assert tags["rollout.production"] == "promoted"
    assert "rollout" not in tags
    kept = Promotion.model_validate_json(tags["promotion.production"])
    assert (kept.state, kept.approved_by, kept.approved_at) == ("promoted", "Ada", approval.at)

    asked, generation = len(scene.predictor.hosts), state.body["metadata"]["generation"]
    assert scene.promote(version).state == "promoted"
    again = scene.service(scene.target).read()
    assert again is not None
    assert (len(scene.predictor.hosts), again.body["metadata"]["generation"]) == (asked, generation)


def test_what_nobody_may_approve(scene: Scene, frame: Path, contract: DataContract) -> None:
    """What the gate rejected, what does not serve, what was rolled back: told why, and nothing is recorded."""
    rejected = scene.version(frame, contract, trees=3, verdict="rejected")
    with pytest.raises(RejectedError, match=r"verdict on .* is: rejected"):
        scene.approve(rejected)
    version = scene.version(frame, contract, trees=4)
    with pytest.raises(RejectedError, match="does not serve whole in staging: what is there: nothing"):
        scene.approve(version)
    scene.serve(rejected)
    with pytest.raises(RejectedError, match=f"what is there: version {rejected.number} with 100 %"):
        scene.approve(version)
    scene.registry.tag(version, {"rollout": "rolled_back", "rollout_reasons": "Too slow."})
    with pytest.raises(RejectedError, match="was rolled back: Too slow"):
        scene.approve(version)
    assert "approval" not in scene.tags(version) | scene.tags(rejected)


def test_answers_that_are_not_the_models(scene: Scene, frame: Path, contract: DataContract) -> None:
    """Another version's, other probabilities, none at all: no approval."""
    version = scene.version(frame, contract, trees=3)
    scene.serve(version)
    scene.predictor.version = "77"
    with pytest.raises(RejectedError, match="In staging version 77 answered"):
        scene.approve(version)
    scene.predictor.version, scene.predictor.shift = version.number, 1e-5
    with pytest.raises(RejectedError, match="answers otherwise in staging"):
        scene.approve(version)
    scene.source = scene.source.model_copy(update={"gateway": "http://127.0.0.1:9"})
    with pytest.raises(UnavailableError, match="does not answer"):
        scene.approve(version)
    assert "approval" not in scene.tags(version)


def test_files_that_were_changed(scene: Scene, frame: Path, contract: DataContract) -> None:
    """A file on S3 that is not what was registered: neither approved nor promoted."""
    version = scene.version(frame, contract, trees=3)
    scene.serve(version)
    scene.approve(version)
    ObjectStore(scene.settings).put(f"{version.model_uri}{CARD}", b"{}")
    for forbidden in (scene.approve, scene.promote):
        with pytest.raises(IntegrityError):
            forbidden(version)
    assert scene.service(scene.target).read() is None


def test_an_approval_holds_for_what_it_saw(scene: Scene, frame: Path, contract: DataContract) -> None:
    """None, one of other evidence, one that is no approval: nothing is promoted until it is given anew."""
    version = scene.version(frame, contract, trees=3)
    scene.serve(version)
    with pytest.raises(RejectedError, match="is not approved"):
        scene.promote(version)
    scene.approve(version)
    scene.registry.tag(version, {"holdout_roc_auc": "0.990000"})
    with pytest.raises(RejectedError, match=r"changed since Ada approved it: holdout_roc_auc was 0\.75"):
        scene.promote(version)
    scene.registry.tag(version, {"approval": '{"by": "Eve"}'})
    with pytest.raises(IntegrityError, match="is none"):
        scene.promote(version)
    assert scene.service(scene.target).read() is None
    scene.approve(version, by="Grace")
    assert scene.promote(version).approved_by == "Grace"


def test_a_smoke_test_that_fails(scene: Scene, frame: Path, contract: DataContract) -> None:
    """What staging serves by then is asked again, before any write; that it failed is recorded."""
    version = scene.version(frame, contract, trees=3)
    scene.serve(version)
    scene.approve(version)
    scene.predictor.shift = 0.1
    with pytest.raises(RejectedError, match="answers otherwise"):
        scene.promote(version)
    kept = Promotion.model_validate_json(scene.tags(version)["promotion.production"])
    assert (kept.state, kept.smoke) == ("refused", None)
    assert "answers otherwise" in kept.reasons
    assert scene.service(scene.target).read() is None
    scene.predictor.shift = 0.0
    assert scene.promote(version).state == "promoted"


def test_a_promotion_that_was_killed_goes_on(
    scene: Scene, frame: Path, contract: DataContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though staging serves another version by then: the smoke test had passed. Beside live rows it is a canary."""
    first, second = (scene.version(frame, contract, trees=trees) for trees in (30, 40))
    for version in (first, second):
        scene.serve(version)
        scene.approve(version)
        if version == first:
            scene.promote(version)
    with monkeypatch.context() as patched:
        patched.setattr(rollout, "run", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            scene.promote(second)
    assert Promotion.model_validate_json(scene.tags(second)["promotion.production"]).state == "begun"
    scene.serve(first)
    _log_rows(scene, frame, {first.number: 400, second.number: 100})
    assert scene.promote(second).state == "promoted"
    history = scene.controllers[1].revisions.history
    assert history == [{"1": 100}, {"1": 90, "2": 10}, {"1": 50, "2": 50}, {"2": 100}]
    assert scene.promote(first, mode="direct").state == "promoted"  # back again, whatever staging serves
    assert history[-1] == {"1": 100}


def test_a_rollback_needs_another_approval(scene: Scene, frame: Path, contract: DataContract) -> None:
    """No rows in production: inconclusive, rolled back, recorded; the same approval does not hold any more."""
    first, second = (scene.version(frame, contract, trees=trees) for trees in (3, 4))
    for version in (first, second):
        scene.serve(version)
        scene.approve(version)
        assert scene.promote(version).state == ("promoted" if version == first else "rolled_back")
    assert scene.registry.resolve(f"{scene.spec.name}@champion-production").number == first.number
    assert scene.tags(second)["rollout.production"] == "rolled_back"
    with pytest.raises(RejectedError, match=r"was rolled back in production after it was approved: .*has 0 rows"):
        scene.promote(second)
    scene.approve(second)
    assert scene.promote(second, mode="direct").state == "promoted"


def test_mistakes_are_told_before_any_work(scene: Scene, frame: Path, contract: DataContract) -> None:
    """A mode that is none, a version that is none, a record that nobody can read."""
    version = scene.version(frame, contract, trees=3)
    with pytest.raises(ConfigError, match="'slowly'"):
        scene.promote(version, mode="slowly")
    with pytest.raises(ConfigError, match="No registered version"):
        scene.approve(version.__class__(**{**vars(version), "number": "99"}))
    scene.serve(version)
    scene.approve(version)
    scene.registry.tag(version, {"promotion.production": "yes"})
    with pytest.raises(IntegrityError, match="cannot be read"):
        scene.promote(version)


def _cut_off(*_: Any) -> Story:
    raise KeyboardInterrupt


def _log_rows(scene: Scene, frame: Path, rows: dict[str, int]) -> None:
    """As if production had answered them, an hour from now."""
    store, log = (
        ObjectStore(scene.settings),
        EventLog(ObjectStore(scene.settings), str(scene.target.data_bucket), scene.spec.name),
    )
    for number, count in rows.items():
        table = logged(model(scene.folders[number], number), frame, count, seed=int(number))
        name = clock_name(datetime.now(UTC) + timedelta(hours=1))
        store.put(f"{log.rows_prefix(number)}date=2013-03-01/{name}-a.parquet", parquet.to_bytes(table))
