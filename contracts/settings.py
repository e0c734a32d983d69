"""Where things are. Read once at a process' entry from the ecosystem's own variables, then passed as an argument."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from contracts.errors import ConfigError

_PIPELINES = Path(__file__).resolve().parents[1] / "pipelines"
"""Beside this package in a checkout and in an image; its files are read as data."""


@dataclass(frozen=True)
class Settings:
    """Addresses and credentials of one process."""

    home: Path
    """Folder for what this machine keeps: state, logs, run artifacts (`DRIFTLOOP_HOME`)."""
    s3_endpoint: str
    """URL of any S3 server (`AWS_ENDPOINT_URL_S3`)."""
    s3_region: str
    s3_access_key: str = field(repr=False)
    s3_secret_key: str = field(repr=False)
    data_bucket: str
    """Bucket of the data layers raw/, refined/ and quarantine/ (`DRIFTLOOP_DATA_BUCKET`)."""
    mlflow_bucket: str
    """Bucket in which the laptop's MLflow keeps models (`DRIFTLOOP_MLFLOW_BUCKET`)."""
    mlflow_tracking_uri: str
    predictor_url: str | None
    """URL to which requests to predictors go, such as an ingress; None: where each InferenceService says
    (`DRIFTLOOP_PREDICTOR_URL`)."""
    feast_registry: str
    """Path or s3:// address of Feast's registry (`DRIFTLOOP_FEAST_REGISTRY`)."""
    feast_online_store: str
    """Path of an SQLite file or redis://host:port (`DRIFTLOOP_FEAST_ONLINE_STORE`)."""
    kfp_endpoint: str
    """URL of the Kubeflow Pipelines API (`KF_PIPELINES_ENDPOINT`)."""
    kfp_token: Path | None
    """File of the service account token by which that API knows who asks (`KF_PIPELINES_SA_TOKEN_PATH`)."""
    sink: str | None
    """URL to which events are sent, the Broker's as a rule (`K_SINK`)."""
    namespace: str
    """Namespace of the loop's objects (`DRIFTLOOP_NAMESPACE`)."""
    environment: str
    """Name that this environment's training runs bear where several share one pipelines API; empty for the first
    (`DRIFTLOOP_ENVIRONMENT`)."""
    deployment_mode: str
    """KServe's mode of the InferenceServices that a rollout makes (`DRIFTLOOP_DEPLOYMENT_MODE`)."""
    loops: Path
    """Folder of the loops' TOML files (`DRIFTLOOP_LOOPS`)."""
    environments: Path
    """Folder of the environments' TOML files (`DRIFTLOOP_ENVIRONMENTS`)."""
    pipeline: Path
    """The compiled training pipeline (`DRIFTLOOP_PIPELINE`)."""
    code_version: str
    """Commit of the code that runs (`DRIFTLOOP_CODE_VERSION`)."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Settings from environment variables; what is not set has the laptop's default, credentials have none."""
        env = os.environ if env is None else env
        home = Path(env.get("DRIFTLOOP_HOME", ".driftloop")).resolve()
        return cls(
            home=home,
            s3_endpoint=_url(env, "AWS_ENDPOINT_URL_S3", "http://127.0.0.1:8333"),
            s3_region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1",
            s3_access_key=env.get("AWS_ACCESS_KEY_ID", ""),
            s3_secret_key=env.get("AWS_SECRET_ACCESS_KEY", ""),
            data_bucket=env.get("DRIFTLOOP_DATA_BUCKET", "driftloop"),
            mlflow_bucket=env.get("DRIFTLOOP_MLFLOW_BUCKET", "mlflow"),
            mlflow_tracking_uri=_url(env, "MLFLOW_TRACKING_URI", "http://127.0.0.1:5000"),
            predictor_url=_url(env, "DRIFTLOOP_PREDICTOR_URL", "") if env.get("DRIFTLOOP_PREDICTOR_URL") else None,
            feast_registry=env.get("DRIFTLOOP_FEAST_REGISTRY", str(home / "feast" / "registry.db")),
            feast_online_store=env.get("DRIFTLOOP_FEAST_ONLINE_STORE", str(home / "feast" / "online.db")),
            kfp_endpoint=_url(env, "KF_PIPELINES_ENDPOINT", "http://127.0.0.1:8888"),
            kfp_token=Path(token) if (token := env.get("KF_PIPELINES_SA_TOKEN_PATH")) else None,
            sink=_url(env, "K_SINK", "") if env.get("K_SINK") else None,
            namespace=env.get("DRIFTLOOP_NAMESPACE", "driftloop"),
            environment=_environment(env.get("DRIFTLOOP_ENVIRONMENT", "")),
            deployment_mode=_mode(env.get("DRIFTLOOP_DEPLOYMENT_MODE", "Knative")),
            loops=Path(env.get("DRIFTLOOP_LOOPS", _PIPELINES / "loops")),
            environments=Path(env.get("DRIFTLOOP_ENVIRONMENTS", _PIPELINES / "environments")),
            pipeline=Path(env.get("DRIFTLOOP_PIPELINE", _PIPELINES / "compiled" / "training.yaml")),
            code_version=env.get("DRIFTLOOP_CODE_VERSION", "unknown"),
        )

    @property
    def s3_host(self) -> str:
        """Host and port of the S3 server, as the minio client wants them."""
        return urlsplit(self.s3_endpoint).netloc

    @property
    def s3_secure(self) -> bool:
        """Whether the S3 server speaks TLS."""
        return self.s3_endpoint.startswith("https://")


def _url(env: Mapping[str, str], name: str, default: str) -> str:
    url = env.get(name, default).rstrip("/")
    if not _is_http(url):
        raise ConfigError(f"{name} is {url!r}, not an address.", "Write it as http://host:port or https://host.")
    return url


def _environment(text: str) -> str:
    if not re.fullmatch(r"([a-z][a-z0-9-]{0,40})?", text):
        raise ConfigError(f"DRIFTLOOP_ENVIRONMENT is {text!r}.", "Give small letters, digits and hyphens, or nothing.")
    return text


def _mode(text: str) -> str:
    if text not in ("Knative", "Standard"):
        raise ConfigError(f"DRIFTLOOP_DEPLOYMENT_MODE is {text!r}.", "Choose Knative or Standard.")
    return text


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or half an IPv6 address
        return False
