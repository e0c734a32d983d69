"""The rollout step as the pipeline runs it: MLflow, S3, the Kubernetes API and a sink for events are real."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components.cluster import custom_objects
from components.evaluate import Evaluation
from components.plan import Trial
from components.register import pointer_to, register
from components.registry import Registry, Version
from components.rollout import run
from components.select import select
from components.tracking import TAG, Tracking
from components.train import Result
from contracts import parquet
from contracts.cloudevent import decode
from contracts.errors import ConfigError
from contracts.eventlog import EventLog, clock_name
from contracts.events import Rollout, from_event
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.pointer import ModelPointer
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import DataContract
from tests.components.rollout_kserve import Controller
from tests.components.rollout_log import logged, model

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
def sink() -> Iterator[tuple[str, list[Rollout]]]:
    """A server that takes events, and those it took."""
    taken: list[Rollout] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            data = from_event(decode({name.lower(): value for name, value in self.headers.items()}, body))
            assert isinstance(data, Rollout)
            taken.append(data)
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so named there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", taken
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def settings(
    services: Settings, kubeconfig: Path, sink: tuple[str, list[Rollout]], monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings that find all of them."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", services.s3_access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", services.s3_secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", services.s3_region)
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", services.s3_endpoint)
    return replace(services, namespace="default", sink=sink[0])


@pytest.fixture
def loop(spec: LoopSpec) -> LoopSpec:
    """A quick loop that rolls out in two steps."""
    quick = {"min_rows": 80, "hold_seconds": 20, "ready_seconds": 20}
    return spec.model_copy(update={"name": "rolled", "rollout": spec.rollout.model_copy(update=quick)})


@pytest.fixture
def versions(
    settings: Settings, loop: LoopSpec, frame: Path, contract: DataContract, tmp_path: Path
) -> dict[str, tuple[Version, Path]]:
    """Two registered versions and their folders."""
    tracking = Tracking(settings.mlflow_tracking_uri)
    run_id = tracking.open_run("rolled", "test", {f"{TAG}pipeline_run": "test"})
    found = {}
    for trees in (30, 40):
        folder = tmp_path / f"{trees}"
        trial = Trial(number=0, kind="xgboost", params={"n_estimators": trees, "max_depth": 3})
        best = Result(trial=trial, roc_auc=0.8, log_loss=0.5, seconds=1)
        select(loop, contract, frame, WINDOW, best, folder)
        version = register(Registry(tracking), folder, EVALUATION, run_id, {}, {})
        found[version.number] = (version, folder)
    return found


def test_a_version_goes_live(
    settings: Settings,
    loop: LoopSpec,
    versions: dict[str, tuple[Version, Path]],
    frame: Path,
    sink: tuple[str, list[Rollout]],
    tmp_path: Path,
) -> None:
    """The first at once, the second after its steps; alias, tags, events and the page tell the same."""
    registry, store = Registry(Tracking(settings.mlflow_tracking_uri)), ObjectStore(settings)
    first, second = versions
    controller = Controller(custom_objects(), "default", "rolled", lambda model: True)
    controller.start()
    try:
        assert run(settings, loop, first, "canary", tmp_path / "first.html").last.verdict == "promoted"
        assert registry.resolve("rolled@champion").number == first
        log = EventLog(store, settings.data_bucket, "rolled")
        for number, rows in ((first, 400), (second, 100)):
            table = logged(model(versions[number][1], number), frame, rows, seed=int(number))
            name = f"{log.rows_prefix(number)}date=2013-03-01/{clock_name(datetime.now(UTC) + timedelta(hours=1))}-a"
            store.put(f"{name}.parquet", parquet.to_bytes(table))
        story = run(settings, loop, second, "canary", tmp_path / "second.html")
    finally:
        controller.stop()
    assert [decision.verdict for decision in story.decisions] == ["pass", "pass", "promoted"]
    assert story.metrics()["unfaithful_share"] == 0
    champion = registry.resolve("rolled@champion")
    assert (champion.number, champion.tags["rollout"]) == (second, "promoted")
    assert [(event.version, event.step_percent, event.verdict) for event in sink[1]] == [
        (first, 100, "promoted"),
        (second, 10, "pass"),
        (second, 50, "pass"),
        (second, 100, "promoted"),
    ]
    page = (tmp_path / "second.html").read_text()
    for word in (f"rollout of version {second}", f"Beside version {first}", "faithfulness", "<svg", "10 %"):
        assert word in page


def test_a_pointer_tells_where_a_version_is(
    settings: Settings, versions: dict[str, tuple[Version, Path]], tmp_path: Path
) -> None:
    """Written again it is the same object; its reference is there."""
    store = ObjectStore(settings)
    for number, (version, _) in versions.items():
        pointer_to(version, EVALUATION).write(store, settings.data_bucket)
        pointer = ModelPointer.read(store, settings.data_bucket, "rolled", number)
        assert (pointer.model_sha256, pointer.holdout_roc_auc) == (version.model_sha256, 0.75)
        store.get_file(pointer.reference_uri, tmp_path / "reference.parquet")


def test_a_mode_that_is_none(settings: Settings, loop: LoopSpec, tmp_path: Path) -> None:
    """The user's mistake, told before anything is touched."""
    with pytest.raises(ConfigError, match="'slowly'"):
        run(settings, loop, "1", "slowly", tmp_path / "page.html")
    assert not list(tmp_path.iterdir())
