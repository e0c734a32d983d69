"""Deployments: with a small real HTTP server where the swap is meant, with the real predictor where serving is."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xgboost

from contracts.errors import ConfigError, DriftloopError, IntegrityError, UnavailableError
from contracts.model import Feature, ModelCard, sha256_of
from contracts.objects import ObjectStore
from contracts.settings import Settings
from pocket import predictor, process, service, services, state
from pocket.environment import environment
from pocket.progress import Step, silent
from pocket.status import status

SMALL = """
import argparse, http.server, os, sys
from contracts.errors import IntegrityError, to_line
parser = argparse.ArgumentParser()
for name in ("--name", "--model-version", "--model-uri", "--card-sha256", "--http-port", "--grpc-port"):
    parser.add_argument(name, required=True)
given = parser.parse_args()
if given.model_uri.endswith("/changed"):
    print(to_line(IntegrityError("model.ubj has another digest.", "Register it again.")), flush=True)
    sys.exit(8)
if given.model_uri.endswith("/broken"):
    sys.exit("cannot load")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = ("/v2/health/ready", f"/v2/models/{given.name}/ready", "/serves")
        self.send_response(200 if self.path in known else 404)
        self.end_headers()
        self.wfile.write(given.model_uri.encode())
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(given.http_port)), Handler).serve_forever()
"""
WORN = """
import pathlib, sys
if "s3://mlflow/2" in sys.argv:
    if pathlib.Path("{0}").exists():
        sys.exit("worn")
    pathlib.Path("{0}").touch()
"""
"""Before SMALL: version 2 starts once, and never again."""
FEATURES = (Feature(name="distance"), Feature(name="carrier", categories=("AA", "UA")))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home in which nothing runs afterwards."""
    yield tmp_path / "home"
    services.down(tmp_path / "home", silent)


@pytest.fixture
def users_env(plain_env: dict[str, str], s3_settings: Settings) -> dict[str, str]:
    """S3 and MLflow are the user's own, so that `up` starts the predictor only."""
    return {
        **plain_env,
        "AWS_ENDPOINT_URL_S3": s3_settings.s3_endpoint,
        "AWS_ACCESS_KEY_ID": s3_settings.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": s3_settings.s3_secret_key,
        "MLFLOW_TRACKING_URI": s3_settings.s3_endpoint,
    }


@pytest.fixture
def small_env(users_env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment in which `python -m serving.predictor` is the small server."""
    package = tmp_path / "path" / "serving" / "predictor"
    package.mkdir(parents=True)
    for path, text in (
        (package.parent / "__init__.py", ""),
        (package / "__init__.py", ""),
        (package / "__main__.py", SMALL),
    ):
        path.write_text(text)
    return {**users_env, "PYTHONPATH": str(tmp_path / "path")}


def deploy(home: Path, env: dict[str, str], model: str, told: list[Step] | None = None) -> str:
    """Deploy a model version by the last part of its address."""
    on_progress = silent if told is None else told.append
    uri = f"s3://mlflow/{model}"
    return predictor.deploy(
        home, env, name="flights", version="1", model_uri=uri, card_sha256="0" * 64, on_progress=on_progress
    )


def serves(url: str) -> str:
    """What the small server was started with."""
    with urllib.request.urlopen(f"{url}/serves", timeout=10) as answer:
        return str(answer.read().decode())


def recorded(home: Path) -> state.Record:
    """What is remembered of the predictor."""
    record = state.read(home, "predictor")
    assert record is not None
    return record


def test_the_first_deployment_serves(home: Path, small_env: dict[str, str]) -> None:
    """The model answers at the base URL, which clients are told and status shows."""
    url = deploy(home, small_env, "1")
    assert serves(url) == "s3://mlflow/1"
    assert environment(home)["DRIFTLOOP_PREDICTOR_URL"] == url
    assert [(one.state, one.address) for one in status(home, small_env) if one.service == "predictor"] == [
        ("running", url)
    ]


def test_deploying_what_serves_changes_nothing(home: Path, small_env: dict[str, str]) -> None:
    """The same process goes on."""
    deploy(home, small_env, "1")
    before = recorded(home)
    deploy(home, small_env, "1")
    assert recorded(home) == before


def test_a_new_version_takes_over_the_address(home: Path, small_env: dict[str, str]) -> None:
    """Clients keep their URL; the old version and the trial of the new one are gone."""
    url = deploy(home, small_env, "1")
    old = recorded(home)
    assert deploy(home, small_env, "2") == url
    assert serves(url) == "s3://mlflow/2"
    trial = state.read(home, predictor.CANDIDATE)
    assert trial is not None
    assert process.members(old.token) == []
    assert trial.token == ""


@pytest.mark.parametrize(
    ("model", "kind", "told"),
    [("changed", IntegrityError, "another digest"), ("broken", UnavailableError, "cannot load")],
)
def test_a_version_that_fails_never_interrupts_the_old_one(
    home: Path, small_env: dict[str, str], model: str, kind: type[DriftloopError], told: str
) -> None:
    """The predictor's own error is raised; the old version's process was not touched."""
    url = deploy(home, small_env, "1")
    before = recorded(home)
    with pytest.raises(kind, match=told):
        deploy(home, small_env, model)
    assert recorded(home) == before
    assert serves(url) == "s3://mlflow/1"


def test_a_first_version_that_fails_leaves_nothing(home: Path, small_env: dict[str, str]) -> None:
    """No process, and nothing that `up` would start."""
    with pytest.raises(IntegrityError):
        deploy(home, small_env, "changed")
    assert state.read(home, "predictor") is None


def test_a_version_that_fails_after_down_leaves_the_old_deployment(home: Path, small_env: dict[str, str]) -> None:
    """What `up` starts is still the version that worked."""
    deploy(home, small_env, "1")
    services.down(home, silent)
    with pytest.raises(IntegrityError):
        deploy(home, small_env, "changed")
    assert serves(services.up(home, small_env, silent)["DRIFTLOOP_PREDICTOR_URL"]) == "s3://mlflow/1"


def test_a_version_that_fails_only_at_its_final_place_brings_the_old_one_back(
    home: Path, small_env: dict[str, str], tmp_path: Path
) -> None:
    """Proven, then broken: the version before serves again, and the failure is told."""
    url = deploy(home, small_env, "1")
    (tmp_path / "path" / "serving" / "predictor" / "__main__.py").write_text(WORN.format(tmp_path / "worn") + SMALL)
    told: list[Step] = []
    with pytest.raises(UnavailableError, match="worn"):
        deploy(home, small_env, "2", told)
    assert serves(url) == "s3://mlflow/1"
    assert "restarting the version before" in [step.what for step in told]


def test_up_restarts_the_last_deployment(home: Path, small_env: dict[str, str]) -> None:
    """After kill -9, and after `down`, `up` serves the same version at the same address."""
    url = deploy(home, small_env, "1")
    killed = recorded(home)
    os.kill(killed.pid, signal.SIGKILL)
    assert services.up(home, small_env, silent)["DRIFTLOOP_PREDICTOR_URL"] == url
    assert recorded(home).token != killed.token
    assert services.down(home, silent) == ["predictor"]
    services.up(home, small_env, silent)
    assert serves(url) == "s3://mlflow/1"


def test_a_model_that_cannot_be_served_again_leaves_the_rest_up(
    home: Path, small_env: dict[str, str], tmp_path: Path
) -> None:
    """`up` tells why the last deployment does not come back; S3 is up all the same, to deploy another."""
    env = {name: value for name, value in small_env.items() if name != "AWS_ENDPOINT_URL_S3"}
    services.up(home, env, silent)
    deploy(home, env, "1")
    services.down(home, silent)
    (tmp_path / "path" / "serving" / "predictor" / "__main__.py").write_text("import sys; sys.exit('no longer')")
    with pytest.raises(UnavailableError, match="no longer"):
        services.up(home, env, silent)
    assert {one.service: one.state for one in status(home, env)} == {
        "s3": "running",
        "mlflow": "external",
        "predictor": "stopped",
    }


def test_down_ends_the_trial_of_a_killed_deployment(home: Path, small_env: dict[str, str]) -> None:
    """A trial that lost its command is known, and ended."""
    deploy(home, small_env, "1")
    trial = predictor.service_of(predictor.CANDIDATE, small_env, recorded(home).detail)
    begun = service.launch(home, trial, silent)
    assert services.down(home, silent) == ["candidate", "predictor"]
    assert process.members(begun.record.token) == []


def test_a_predictor_elsewhere_is_not_deployed_to(home: Path, small_env: dict[str, str]) -> None:
    """With DRIFTLOOP_PREDICTOR_URL set by the user, there is nothing here to deploy to."""
    with pytest.raises(ConfigError, match="DRIFTLOOP_PREDICTOR_URL"):
        deploy(home, {**small_env, "DRIFTLOOP_PREDICTOR_URL": "http://predictor.example.com"}, "1")


def test_the_real_predictor_serves_a_model_from_s3(
    home: Path, users_env: dict[str, str], s3_settings: Settings, tmp_path: Path
) -> None:
    """A registered folder is verified, loaded and answered for over V2; another digest is refused, and it serves on."""
    card_sha256 = upload_model(tmp_path / "model", ObjectStore(s3_settings))

    def deploy_real(digest: str) -> str:
        address = {"name": "flights", "version": "7", "model_uri": "s3://mlflow/real/"}
        return predictor.deploy(home, users_env, **address, card_sha256=digest, on_progress=silent)

    url = deploy_real(card_sha256)
    assert [round(score) for score in scores(url, [[100.0, 0.0], [2000.0, 1.0]])] == [0, 1]
    with pytest.raises(IntegrityError, match="sha256"):
        deploy_real("0" * 64)
    assert len(scores(url, [[100.0, 0.0]])) == 1
    with urllib.request.urlopen(f"{url}/v2/models/flights", timeout=10) as answer:
        assert json.load(answer)["versions"] == ["7"]
    hosts = {host.removeprefix("::ffff:") for host, _ in process.listeners(recorded(home).token)}  # gRPC maps IPv4
    assert hosts == {"127.0.0.1"}


def upload_model(folder: Path, store: ObjectStore) -> str:
    """A small XGBoost model folder on S3; the digest of its card."""
    folder.mkdir()
    matrix = np.array([[distance, distance % 2] for distance in range(0, 3000, 10)], dtype=np.float32)
    data = xgboost.DMatrix(matrix, matrix[:, 0] > 1000, feature_types=["q", "c"], enable_categorical=True)
    xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 5).save_model(folder / "model.ubj")
    files = {"model.ubj": sha256_of(folder / "model.ubj")}
    card = ModelCard(
        loop="flights",
        kind="xgboost",
        format="xgboost-ubj",
        model_file="model.ubj",
        features=FEATURES,
        labels=("on_time", "late"),
        files=files,
    )
    digest = card.write(folder)
    for path in folder.iterdir():
        store.put_file(f"s3://mlflow/real/{path.name}", path)
    return digest


def scores(url: str, rows: list[list[float]]) -> list[float]:
    """The probability of the second class, asked over V2."""
    tensor = {"name": "matrix", "shape": [len(rows), 2], "datatype": "FP32", "data": rows}
    request = urllib.request.Request(
        f"{url}/v2/models/flights/infer",
        json.dumps({"inputs": [tensor]}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: list[float] = json.load(answer)["outputs"][0]["data"]
        return found[1::2]
