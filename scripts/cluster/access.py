"""Where the cluster's servers answer on this machine, and the keys to them: the variables every command reads."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from contracts.errors import UnavailableError
from contracts.settings import Settings
from scripts.platform import kubectl

NAMESPACE = "driftloop"
_FOLDER = "kind"
PREDICTORS = "http://127.0.0.1:8080"
BROKER = f"http://127.0.0.1:8090/{NAMESPACE}/driftloop"
"""Ports of kind-config.yaml. S3, MLflow and the pipelines API have the laptop's own."""


def home_of(settings: Settings) -> Path:
    """What this machine keeps of the cluster, beside what it keeps of its own servers, whose addresses are the same."""
    return settings.home if settings.home.name == _FOLDER else settings.home / _FOLDER


def kubeconfig_of(settings: Settings) -> Path:
    """The file by which kubectl finds the cluster; nobody's ~/.kube/config is touched."""
    return home_of(settings) / "kubeconfig"


def addresses() -> dict[str, str]:
    """Name of each server → its address on this machine."""
    usual = Settings.from_env({})
    return {
        "predictors": PREDICTORS,
        "MLflow": usual.mlflow_tracking_uri,
        "S3": usual.s3_endpoint,
        "pipelines API": usual.kfp_endpoint,
        "Broker": BROKER,
    }


def variables(settings: Settings) -> dict[str, str]:
    """Variables by which commands find them. KUBECONFIG must name the cluster; UnavailableError without keys."""
    found, s3 = addresses(), addresses()["S3"]
    return {
        "AWS_ENDPOINT_URL_S3": s3,
        "MLFLOW_S3_ENDPOINT_URL": s3,
        "FEAST_S3_ENDPOINT_URL": s3,
        "AWS_REGION": settings.s3_region,
        **_keys(),
        "MLFLOW_TRACKING_URI": found["MLflow"],
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "KF_PIPELINES_ENDPOINT": found["pipelines API"],
        "K_SINK": found["Broker"],
        "DRIFTLOOP_PREDICTOR_URL": found["predictors"],
        "DRIFTLOOP_HOME": str(home_of(settings)),
        "KUBECONFIG": str(kubeconfig_of(settings)),
    }


def _keys() -> Mapping[str, str]:
    secret = kubectl.find("secret", "driftloop-s3", NAMESPACE)
    if secret is None:
        raise UnavailableError("The cluster has no keys for S3 yet.", "Run `driftloop cluster up` to its end.")
    return {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}
