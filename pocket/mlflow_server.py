"""The laptop's MLflow: tracking and registry on SQLite below <home>/mlflow, artifacts on S3 without a proxy."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from pocket import state
from pocket.service import Service

NAME = "mlflow"
BUCKET = "mlflow"
"""Bucket of the artifacts."""


def service(home: Path, env: Mapping[str, str]) -> Service:
    """The MLflow server of a home, in an environment that says where S3 is."""
    store = f"sqlite:///{home / NAME / 'mlflow.db'}"
    state.private_folder(home / NAME)
    return Service(
        name=NAME,
        usual_ports={"http": 5000},
        command=lambda ports: [
            *(sys.executable, "-P", "-m", "pocket.mlflow_app"),
            *("--store", store, "--artifacts", f"s3://{BUCKET}/", "--port", str(ports["http"])),
        ],
        env={**env, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        ready_paths={"/health": frozenset({200})},
        start_seconds=180,
        detail={"s3": env["AWS_ENDPOINT_URL_S3"]},
    )
