"""The loop's objects on this machine: its settings, and manifests/overlays/pocket by kubectl."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from contracts.errors import UnavailableError
from contracts.settings import Settings
from pocket.checkout import ROOT, code_version
from pocket.environment import NAMESPACE
from pocket.kubernetes import access, client
from pocket.kubernetes.status_error import Json

OVERLAY = "manifests/overlays/pocket"
SETTINGS, KEYS = "driftloop-settings", "driftloop-s3"
MANAGER = "pocket"

_PREFIX = "DRIFTLOOP_"
_PASSED_ON = (
    *("AWS_ENDPOINT_URL_S3", "AWS_REGION", "MLFLOW_S3_ENDPOINT_URL", "FEAST_S3_ENDPOINT_URL"),
    *("MLFLOW_TRACKING_URI", "MLFLOW_DISABLE_TELEMETRY", "KF_PIPELINES_ENDPOINT", "K_SINK", "NO_PROXY", "no_proxy"),
)
_OF_ONE_PROCESS = ("DRIFTLOOP_SERVICE_TOKEN", "DRIFTLOOP_TERMINATION_LOG", "DRIFTLOOP_PREDICTOR_URL")
"""The last is made of the objects themselves: nobody among them asks for it."""
_SECRET = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def write_settings(home: Path, env: Mapping[str, str]) -> bool:
    """Write the namespace, and in it where this machine's servers are; whether that differs from what was there."""
    place = f"/api/v1/namespaces/{NAMESPACE}"
    client.apply(home, place, {"apiVersion": "v1", "kind": "Namespace"}, MANAGER)
    wanted = {f"{place}/configmaps/{SETTINGS}": config_map(env), f"{place}/secrets/{KEYS}": secret(env)}
    before = [client.find(home, path) for path in wanted]
    return before != [client.apply(home, path, body, MANAGER) for path, body in wanted.items()]


def config_map(env: Mapping[str, str]) -> Json:
    """ConfigMap of the addresses in an environment."""
    own = {
        "DRIFTLOOP_HOST": "127.0.0.1",
        "DRIFTLOOP_SPOOL": str(Settings.from_env(env).home / "spool"),
        "DRIFTLOOP_NAMESPACE": NAMESPACE,
        "DRIFTLOOP_CODE_VERSION": env.get("DRIFTLOOP_CODE_VERSION") or code_version(),
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": {**passed_on(env), **own}}


def passed_on(env: Mapping[str, str]) -> dict[str, str]:
    """What every container is told of an environment: addresses, and all settings of driftloop's own."""
    names = (name for name in env if name in _PASSED_ON or name.startswith(_PREFIX))
    return {name: env[name] for name in names if name not in _OF_ONE_PROCESS}


def secret(env: Mapping[str, str]) -> Json:
    """Secret of the S3 keys in an environment; its annotations tell KServe where they hold."""
    settings = Settings.from_env(env)
    about = {
        "serving.kserve.io/s3-endpoint": settings.s3_host,
        "serving.kserve.io/s3-usehttps": str(int(settings.s3_secure)),
        "serving.kserve.io/s3-region": settings.s3_region,
    }
    keys = {name: env[name] for name in _SECRET if name in env}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"annotations": about}, "stringData": keys}


def apply(home: Path, env: Mapping[str, str], overlay: str | None = None) -> str:
    """`kubectl apply --server-side -k` of the overlay; what kubectl said. UnavailableError if it failed."""
    program = Path(sys.executable).with_name("kubectl")
    own = {"KUBECONFIG": str(access.kubeconfig_path(home)), "KUBECACHEDIR": str(home / "kubernetes" / "cache")}
    command = [str(program), "apply", "--server-side", "-k", overlay or OVERLAY]
    try:
        done = subprocess.run(command, cwd=ROOT, env={**env, **own}, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UnavailableError(f"{program} cannot be run: {error}.", "Install the project again.") from error
    if done.returncode:
        raise UnavailableError(f"`kubectl {' '.join(command[1:])}` failed: {done.stderr.strip()}")
    return done.stdout
