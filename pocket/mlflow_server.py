"""The laptop's MLflow: tracking and registry on SQLite below <home>/mlflow, artifacts on S3 without a proxy."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.settings import Settings
from pocket import probe
from pocket.service import Service

NAME = "mlflow"


def service(home: Path, env: Mapping[str, str]) -> Service:
    """The MLflow server of a home, in an environment that says where S3 is."""
    bucket = Settings.from_env(env).mlflow_bucket
    return Service(
        name=NAME,
        usual_ports={"http": 5000},
        command=lambda ports: _command(bucket, ports),
        env={**env, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        is_ready=lambda ports: probe.status(ports["http"], "/health") == 200,
        start_seconds=180,  # it imports for six seconds, on a cold disk for a minute
        detail={"s3": env.get("AWS_ENDPOINT_URL_S3", ""), "bucket": bucket},
    )


def _command(bucket: str, ports: Mapping[str, int]) -> Sequence[str]:
    return [
        *(sys.executable, "-P", "-m", "pocket.mlflow_app"),
        *("--store", "sqlite:///mlflow.db", "--artifacts", f"s3://{bucket}/", "--port", str(ports["http"])),
    ]
