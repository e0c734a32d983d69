"""The drift service as a process, on a real S3 server."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drift_windows import AWKWARD_FEATURES, awkward
from service_process import ServiceProcess, environment, serving

from contracts.cloudevent import CloudEvent, decode
from contracts.errors import UnavailableError
from contracts.events import Drift, Window, from_event, to_event
from contracts.loop import DriftSpec
from contracts.model import CARD, ModelCard, sha256_of
from contracts.objects import ObjectStore
from contracts.pointer import ModelPointer
from contracts.settings import Settings
from serving.drift.choice import Choice
from serving.drift.service import Detector

ROOT = Path(__file__).resolve().parents[3]
ALIBI = ROOT / ".venv-drift" / "bin" / "python"
BACKENDS = ["scipy", *(["alibi-detect"] if (ROOT / ".venv-drift" / "drift-dev.ready").exists() else [])]
EXPECTED = 0.8


@pytest.fixture(scope="module")
def store(s3_settings: Settings) -> ObjectStore:
    """The session's server."""
    return ObjectStore(s3_settings)


@pytest.fixture(scope="module", params=BACKENDS)
def service(
    request: pytest.FixtureRequest, s3_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServiceProcess]:
    """The service: here with `scipy`, and in its own environment, where that is set up, as it is deployed."""
    own = request.param == "alibi-detect"
    env = environment(s3_settings, **({} if own else {"DRIFTLOOP_DRIFT_BACKEND": "scipy"}))
    python = str(ALIBI) if own else sys.executable
    with serving("serving.drift", env, tmp_path_factory.mktemp("drift"), python) as running:
        yield running


@pytest.fixture(scope="module")
def model(store: ObjectStore, s3_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> str:
    """URI of a model's folder; version 1 of the loop `awkward`."""
    return register(store, s3_settings.data_bucket, tmp_path_factory.mktemp("model"), "1", {"tied": 3, "colour": 1})


def register(store: ObjectStore, bucket: str, folder: Path, version: str, importance: dict[str, float] | None) -> str:
    """Store a model's folder and pointer as the pipeline does."""
    pq.write_table(awkward(0, 3000), folder / "reference.parquet")
    spec = DriftSpec().model_dump(mode="json") | ({"importance": importance} if importance else {})
    (folder / "drift.json").write_text(json.dumps(spec))
    (folder / "model.ubj").write_bytes(b"model")
    files = {name: sha256_of(folder / name) for name in ("model.ubj", "reference.parquet", "drift.json")}
    card = ModelCard(
        loop="awkward",
        kind="xgboost",
        format="xgboost-ubj",
        model_file="model.ubj",
        features=AWKWARD_FEATURES,
        labels=("on_time", "late"),
        files=files,
    )
    digest = card.write(folder)
    uri = f"s3://{bucket}/test-models/awkward/{version}"
    for name in (*files, CARD):
        store.put(f"{uri}/{name}", (folder / name).read_bytes())
    ModelPointer(
        loop="awkward",
        version=version,
        model_uri=uri,
        card_sha256=digest,
        model_sha256=card.model_sha256,
        holdout_roc_auc=EXPECTED,
    ).write(store, bucket)
    return uri


def stored(store: ObjectStore, model: str, name: str, rows: pa.Table, **fields: Any) -> CloudEvent:
    """The event of a window that is stored."""
    body = io.BytesIO()
    pq.write_table(rows, body)
    uri = f"{model}/windows/{name}.parquet"
    store.put(uri, body.getvalue())
    return event(window=name, uri=uri, reference_uri=f"{model}/reference.parquet", rows=max(1, rows.num_rows), **fields)


def event(**fields: Any) -> CloudEvent:
    """A window's event."""
    usual = {
        "loop": "awkward",
        "model_version": "1",
        "start": datetime(2013, 4, 1, tzinfo=UTC),
        "end": datetime(2013, 4, 2, tzinfo=UTC),
        "rows": 1,
    }
    return to_event(Window(**{**usual, **fields}), "/driftloop/eventlog")


def with_labels(rows: pa.Table, truth: float) -> pa.Table:
    """The rows with labels that follow the score in this share of them; some have none, one is garbage."""
    random = np.random.default_rng(3)
    scores = rows["score"].to_numpy()
    late = np.where(random.random(len(scores)) < truth, scores > np.median(scores), random.random(len(scores)) < 0.5)
    names = np.where(late, "late", "on_time").astype(object)
    names[:10], names[10] = None, "cancelled"
    return rows.append_column("label", pa.array(names, pa.string()))


def found(service: ServiceProcess, asked: CloudEvent) -> Drift:
    """The drift event that answers a window's, which is the same when it is asked for again."""
    answers = [service.post(asked) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    first, again = (decode(dict(answer.headers), answer.content) for answer in answers)
    assert first == again
    drift = from_event(first)
    assert isinstance(drift, Drift)
    assert (drift.window_id, first["loop"], first["source"]) == (asked["id"], "awkward", "/driftloop/drift")
    return drift


def test_a_window_like_its_reference_is_no_drift(service: ServiceProcess, store: ObjectStore, model: str) -> None:
    """Every column's tests are told, and none of them drifted."""
    drift = found(service, stored(store, model, "same", awkward(7, 1000)))
    assert (drift.verdict, drift.reasons, drift.rows, drift.drifted_importance) == ("none", (), 1000, 0)
    assert {one.feature for one in drift.features} >= {"tied", "gappy", "wide", "colour"}
    assert {(one.feature, one.test) for one in drift.scores} == {("late", "values: ks")}


def test_a_light_feature_warns_and_a_heavy_one_is_a_reason(
    service: ServiceProcess, store: ObjectStore, model: str
) -> None:
    """What drifted counts by the importance that the model's own folder gives it."""
    rows, moved = awkward(7, 1000), awkward(8, 1000, 1.0)
    light = rows.set_column(rows.column_names.index("gappy"), "gappy", moved["gappy"])
    heavy = rows.set_column(rows.column_names.index("tied"), "tied", moved["tied"])
    drift = found(service, stored(store, model, "light", light))
    assert (drift.verdict, drift.reasons, drift.drifted_importance) == ("warning", (), 0)
    drift = found(service, stored(store, model, "heavy", heavy))
    assert (drift.verdict, drift.drifted_importance) == ("drift", 0.75)
    assert drift.reasons == ("The features that drifted carry 75% of the model's importance.",)


def test_a_labelled_window_is_judged_by_what_became_of_its_rows(
    service: ServiceProcess, store: ObjectStore, model: str
) -> None:
    """Performance as expected is no reason, a fall is one even where nothing else differs."""
    rows = awkward(7, 1000)
    good = found(service, stored(store, model, "good", with_labels(rows, 0.9), labelled=989))
    assert good.performance is not None
    assert (good.performance.rows, good.performance.fell, good.verdict) == (989, False, "none")
    bad = found(service, stored(store, model, "bad", with_labels(rows, 0.1), labelled=989))
    assert bad.performance is not None
    assert (bad.performance.fell, bad.performance.expected, bad.verdict) == (True, EXPECTED, "drift")
    assert "ROC AUC fell" in bad.reasons[0]


def test_what_can_never_be_judged_is_refused_for_good(service: ServiceProcess, store: ObjectStore, model: str) -> None:
    """422, and words that say which object and what about it."""
    rows, reference = awkward(7, 100), f"{model}/reference.parquet"
    store.put(f"{model}/garbage", b"PAR1 garbage PAR1")
    other_folder = model.removesuffix("/1") + "/none"
    refused = {
        "is missing": stored(store, model, "narrow", rows.drop_columns(["tied"])),
        "no rows": stored(store, model, "empty", rows.slice(0, 0)),
        "is not there": event(window="w", uri=f"{model}/nowhere", reference_uri=reference),
        "is not on S3": event(window="w", uri="file:///etc/passwd", reference_uri=reference),
        "no Parquet file": event(window="w", uri=f"{model}/garbage", reference_uri=reference),
        f"{other_folder}/{CARD} is not there": event(
            window="w", uri=reference, reference_uri=f"{other_folder}/reference.parquet"
        ),
        "gives no digest": event(window="w", uri=reference, reference_uri=f"{model}/garbage"),
        "'label' of the window is missing": stored(store, model, "bare", rows, labelled=5),
        "models/awkward/77.json is not there": stored(
            store, model, "unknown", with_labels(rows, 0.9), labelled=5, model_version="77"
        ),
        "Field required": CloudEvent({"id": "1", "source": "/t", "type": Drift.type()}, b"{}"),
    }
    for words, asked in refused.items():
        answer = service.post(asked)
        assert (answer.status_code, words in answer.text) == (422, True), (words, answer.text)


def test_a_changed_reference_is_refused(
    service: ServiceProcess, store: ObjectStore, s3_settings: Settings, tmp_path: Path
) -> None:
    """What is compared with is what was registered."""
    uri = register(store, s3_settings.data_bucket, tmp_path, f"changed-{service.process.pid}", None)
    store.put(f"{uri}/reference.parquet", store.get(f"{uri}/reference.parquet") + b"x")
    answer = service.post(stored(store, uri, "any", awkward(7, 100)))
    assert answer.status_code == 422
    assert "its card says" in answer.text


def test_it_shows_what_it_counted(service: ServiceProcess, store: ObjectStore, model: str) -> None:
    """GET /metrics, as Prometheus reads it."""
    assert found(service, stored(store, model, "counted", awkward(8, 1000, 1.0))).verdict == "drift"
    text = httpx.get(f"{service.url}/metrics").text
    assert 'driftloop_drift_windows_total{loop="awkward",verdict="drift"}' in text


def test_an_s3_server_that_is_away_means_later(s3_settings: Settings) -> None:
    """The door makes 503 of it: the Broker sends the window again."""
    away = ObjectStore(replace(s3_settings, s3_endpoint="http://127.0.0.1:9"))
    detector = Detector(away, "bucket", Choice({"DRIFTLOOP_DRIFT_BACKEND": "scipy"}))
    asked = event(window="w", uri="s3://bucket/w", reference_uri="s3://bucket/m/reference.parquet")
    with pytest.raises(UnavailableError, match="does not answer"):
        asyncio.run(detector.handle(asked))


def test_a_wrong_environment_does_not_start(s3_settings: Settings) -> None:
    """Without alibi-detect the service ends with exit code 2, unless it is told to do with `scipy`."""
    command = [sys.executable, "-m", "serving.drift"]
    env = environment(s3_settings)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert "alibi_detect is missing" in done.stderr
