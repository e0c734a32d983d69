"""What a step's pod gets on a cluster: settings, keys, room, time, and another try. An engine without pods ignores it.

The steps' namespace must hold the ConfigMap and the Secret of manifests/base. KFP names each variable, so their keys
are listed here; what is not optional keeps a pod from starting without it, rather than with the laptop's default.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from kfp import kubernetes
from kfp.dsl import PipelineTask

SETTINGS, KEYS = "driftloop-settings", "driftloop-s3"
"""A ConfigMap of addresses, and a Secret of S3's keys."""
PASSWORDS = {"driftloop-redis": "DRIFTLOOP_FEAST_ONLINE_STORE", "driftloop-source": "PGPASSWORD"}
"""Secrets that may be there, each with its one key: the online store's address, the password of the loop's database."""
REQUIRED = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "FEAST_S3_ENDPOINT_URL",
    "MLFLOW_S3_ENDPOINT_URL",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_DISABLE_TELEMETRY",
    "K_SINK",
    "DRIFTLOOP_NAMESPACE",
    "DRIFTLOOP_HOME",
    "HOME",
)
OPTIONAL = ("DRIFTLOOP_DATA_BUCKET", "DRIFTLOOP_DEPLOYMENT_MODE", "DRIFTLOOP_FEAST_REGISTRY", "NO_PROXY", "no_proxy")
S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
RETRIES = 2
BACKOFF, BACKOFF_FACTOR, BACKOFF_MOST = "30s", 2.0, "300s"
"""Before another try: for nodes that come and go."""


@dataclass(frozen=True)
class Pod:
    """Room and time of one step."""

    cpu: tuple[str, str]
    """Asked for, and at most."""
    memory: tuple[str, str]
    limit: timedelta
    """One that has not ended by then is ended, and counts as failed."""


PODS = {
    "days": Pod(("100m", "1"), ("256M", "1G"), timedelta(minutes=10)),
    "ingest": Pod(("500m", "2"), ("1G", "4G"), timedelta(hours=4)),
    "validate": Pod(("500m", "2"), ("1G", "4G"), timedelta(hours=4)),
    "features": Pod(("1", "4"), ("2G", "8G"), timedelta(hours=4)),
    "plan": Pod(("250m", "1"), ("512M", "2G"), timedelta(minutes=30)),
    "train": Pod(("2", "2"), ("2G", "8G"), timedelta(hours=8)),
    "select": Pod(("2", "2"), ("2G", "8G"), timedelta(hours=8)),
    "evaluate": Pod(("1", "2"), ("1G", "4G"), timedelta(hours=2)),
    "refit": Pod(("2", "2"), ("2G", "8G"), timedelta(hours=8)),
    "register": Pod(("250m", "1"), ("1G", "2G"), timedelta(minutes=30)),
    "rollout": Pod(("250m", "1"), ("1G", "2G"), timedelta(hours=48)),
}
"""By step. A fit uses the loop's `train.threads`, 2 unless it says otherwise."""


def on_cluster(task: PipelineTask, backoff: str = BACKOFF) -> PipelineTask:
    """The task with all of it."""
    pod = PODS[task.name]
    task.set_cpu_request(pod.cpu[0]).set_cpu_limit(pod.cpu[1])
    task.set_memory_request(pod.memory[0]).set_memory_limit(pod.memory[1])
    task.set_retry(RETRIES, backoff, BACKOFF_FACTOR, BACKOFF_MOST)
    kubernetes.set_security_context(task, run_as_non_root=True)  # KFP takes all other privileges away by itself
    kubernetes.set_timeout(task, int(pod.limit.total_seconds()))
    kubernetes.use_config_map_as_env(task, SETTINGS, {name: name for name in REQUIRED})
    kubernetes.use_config_map_as_env(task, SETTINGS, {name: name for name in OPTIONAL}, optional=True)
    kubernetes.use_secret_as_env(task, KEYS, {name: name for name in S3_KEYS})
    for secret, name in PASSWORDS.items():
        kubernetes.use_secret_as_env(task, secret, {name: name}, optional=True)
    return task
