"""What MLflow and S3 hold after a command."""

from __future__ import annotations

import hashlib
import io

import pyarrow.parquet as pq
from mlflow import MlflowClient

from components.tracking import PARENT_TAG
from contracts.objects import ObjectStore

LOOP = "flights"


def open_runs(client: MlflowClient) -> set[str]:
    """Names of the runs that say they go on."""
    return {str(run.info.run_name) for run in client.search_runs(_experiments(client), "status = 'RUNNING'")}


def half_stored_models(client: MlflowClient) -> set[str]:
    """Models whose upload never ended."""
    models = client.search_logged_models(_experiments(client))
    return {str(model.model_id) for model in models if str(model.status) != "READY"}


def versions(client: MlflowClient) -> dict[str, str]:
    """Number of each registered version → the run it comes from."""
    return {str(one.version): str(one.run_id) for one in client.search_model_versions(f"name = '{LOOP}'")}


def aliases(client: MlflowClient) -> dict[str, str]:
    """Alias → number of its version."""
    found = client.search_registered_models(f"name = '{LOOP}'")
    return {name: str(number) for name, number in found[0].aliases.items()} if found else {}


def statuses(client: MlflowClient, run_id: str) -> list[str]:
    """How a run stands, and its trials."""
    run = client.get_run(run_id)
    trials = client.search_runs([run.info.experiment_id], f"tags.`{PARENT_TAG}` = '{run_id}'")
    return [str(one.info.status) for one in (run, *trials)]


def lake_objects(store: ObjectStore, bucket: str) -> dict[str, int]:
    """Address → rows of every partition of the data layers; each is whole, as its own name says."""
    found = {}
    for layer in ("raw", "refined", "quarantine"):
        for uri in store.names(f"s3://{bucket}/{layer}/"):
            body = store.get(uri)
            assert uri.endswith(f"/{hashlib.sha256(body).hexdigest()}.parquet")
            found[uri] = pq.ParquetFile(io.BytesIO(body)).metadata.num_rows
    return found


def _experiments(client: MlflowClient) -> list[str]:
    return [str(found.experiment_id) for found in client.search_experiments()]
