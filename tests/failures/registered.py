"""What MLflow and S3 hold, to compare before and after a command."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import pyarrow.parquet as pq

from components.tracking import Tracking
from contracts.objects import ObjectStore

LOOP = "flights"


@dataclass(frozen=True)
class Registered:
    """Versions with their aliases, runs that are open, models that are half stored."""

    versions: dict[str, tuple[str, ...]]
    aliases: dict[str, str]
    open_runs: frozenset[str]
    pending_models: frozenset[str]

    @classmethod
    def now(cls, tracking: Tracking) -> Registered:
        """As it is at this moment."""
        client = tracking.client
        experiment = client.get_experiment_by_name(LOOP)
        places = [experiment.experiment_id] if experiment else []
        named = client.search_registered_models(f"name = '{LOOP}'")
        stored = client.search_logged_models(places) if places else []
        runs = client.search_runs(places, "status = 'RUNNING'") if places else []
        versions = client.search_model_versions(f"name = '{LOOP}'")
        return cls(
            versions={str(one.version): tuple(sorted(one.tags)) for one in versions},
            aliases=dict(named[0].aliases) if named else {},
            open_runs=frozenset(one.info.run_id for one in runs),
            pending_models=frozenset(one.model_id for one in stored if str(one.status) != "READY"),
        )


def lake_objects(store: ObjectStore, bucket: str) -> dict[str, int]:
    """Address → rows of every partition of the data layers; each is whole, which its own name says."""
    found = {}
    for layer in ("raw", "refined", "quarantine"):
        for uri in store.names(f"s3://{bucket}/{layer}/"):
            body = store.get(uri)
            assert uri.endswith(f"/{hashlib.sha256(body).hexdigest()}.parquet")
            found[uri] = pq.ParquetFile(io.BytesIO(body)).metadata.num_rows
    return found
