"""register: a version exists whole or not at all, and once."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.evaluate import Evaluation
from components.plan import Trial
from components.register import register
from components.registry import Registry
from components.select import select
from components.tracking import TAG, Tracking
from components.train import Result
from contracts.errors import ConfigError, IntegrityError, UnavailableError
from contracts.loop import LoopSpec
from contracts.model import CARD, ModelCard
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import DataContract

WINDOW = Window.parse("2013-01-01", "2013-02-01")
EVALUATION = Evaluation(
    window="w",
    rows=10,
    positive_share=0.2,
    roc_auc=0.75,
    log_loss=0.5,
    champion=None,
    metric="roc_auc",
    slices=(),
    accepted=True,
    reasons=("All floors hold.",),
)


@pytest.fixture
def registry(services: Settings, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry whose artifacts go to the real S3 server."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", services.s3_access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", services.s3_secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", services.s3_region)
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", services.s3_endpoint)
    return Registry(Tracking(services.mlflow_tracking_uri))


@pytest.fixture
def run_id(registry: Registry, request: pytest.FixtureRequest) -> str:
    """A run of this test's own."""
    return registry.tracking.open_run("flights", request.node.name, {f"{TAG}pipeline_run": request.node.name})


def _folder(frame: Path, contract: DataContract, spec: LoopSpec, folder: Path, trees: int) -> Path:
    trial = Trial(number=0, kind="xgboost", params={"n_estimators": trees, "max_depth": 2})
    select(spec, contract, frame, WINDOW, Result(trial=trial, roc_auc=0.8, log_loss=0.5, seconds=1), folder)
    return folder


def test_a_version_and_its_lineage(
    registry: Registry, run_id: str, frame: Path, contract: DataContract, spec: LoopSpec, tmp_path: Path
) -> None:
    """Registered, found by alias and number, its files on S3 as its tags say; again, it is the same one."""
    folder = _folder(frame, contract, spec, tmp_path / "model", trees=3)
    version = register(registry, folder, EVALUATION, run_id, {"raw_digest": "abc"}, {"max_depth": "2"})
    assert registry.resolve("flights@challenger").number == version.number
    found = registry.resolve(f"flights/{version.number}")
    assert found.tags["raw_digest"] == "abc"
    assert found.tags["param.max_depth"] == "2"
    assert found.tags["holdout_roc_auc"] == "0.750000"
    assert found.run_id == run_id
    ObjectStore(Settings.from_env({**_env(registry)})).get_folder(found.model_uri, tmp_path / "fetched")
    card = ModelCard.read(tmp_path / "fetched")
    card.verify(tmp_path / "fetched", found.card_sha256)
    assert card.model_sha256 == found.model_sha256
    again = register(registry, folder, EVALUATION, run_id, {"raw_digest": "abc"}, {})
    assert again.number == version.number


def test_another_model_is_another_version(
    registry: Registry, run_id: str, frame: Path, contract: DataContract, spec: LoopSpec, tmp_path: Path
) -> None:
    """Two models, two versions; the challenger's alias follows."""
    first = register(registry, _folder(frame, contract, spec, tmp_path / "a", 4), EVALUATION, run_id, {}, {})
    second = register(registry, _folder(frame, contract, spec, tmp_path / "b", 5), EVALUATION, run_id, {}, {})
    assert int(second.number) > int(first.number)
    assert registry.resolve("flights@challenger").number == second.number


def test_a_changed_folder_is_not_registered(
    registry: Registry, run_id: str, frame: Path, contract: DataContract, spec: LoopSpec, tmp_path: Path
) -> None:
    """What was not evaluated is not registered."""
    folder = _folder(frame, contract, spec, tmp_path / "model", trees=6)
    (folder / "reference.parquet").write_bytes(b"other")
    with pytest.raises(IntegrityError):
        register(registry, folder, EVALUATION, run_id, {}, {})
    assert not _with_trees(registry, folder)


def test_a_store_that_is_away_leaves_no_version(
    registry: Registry,
    run_id: str,
    frame: Path,
    contract: DataContract,
    spec: LoopSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If the files cannot be stored there is no version, and no model left pending."""
    folder = _folder(frame, contract, spec, tmp_path / "model", trees=7)
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(UnavailableError):
        register(registry, folder, EVALUATION, run_id, {}, {})
    assert not _with_trees(registry, folder)
    experiment = registry.client.get_experiment_by_name("flights")
    assert experiment is not None
    models = registry.client.search_logged_models([experiment.experiment_id])
    assert {str(model.status) for model in models} <= {"READY"}


def test_no_such_version(registry: Registry) -> None:
    """A reference to nothing is the user's mistake, and no champion is none."""
    assert registry.find("nothing@champion") is None
    for reference in ("flights/999", "flights@nobody", "flights/x"):
        with pytest.raises(ConfigError, match=reference):
            registry.resolve(reference)


def test_no_mlflow() -> None:
    """A server that is not there is told by its address."""
    import os

    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    try:
        with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:9 does not answer"):
            Tracking("http://127.0.0.1:9").open_run("flights", "x", {})
    finally:
        del os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]


def _with_trees(registry: Registry, folder: Path) -> object:
    from contracts.model import sha256_of

    return registry.with_card("flights", sha256_of(folder / CARD))


def _env(registry: Registry) -> dict[str, str]:
    import os

    return {**os.environ, "AWS_ENDPOINT_URL_S3": os.environ["MLFLOW_S3_ENDPOINT_URL"]}
