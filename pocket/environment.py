"""The standard variables by which every client finds this home's servers, laid under the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pocket import credentials, mlflow_server, s3, state
from pocket.broker.service import INGRESS, name_of
from pocket.controllers import memory
from pocket.kubernetes import access
from pocket.kubernetes import service as kubernetes
from pocket.state import Record

BROKER = name_of(INGRESS)
PIPELINES = "pipelines"
CONTROLLERS = "controllers"
NAMESPACE = "driftloop"
"""That of manifests/, to which everything on this machine belongs."""
_S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_VARIABLES = {
    s3.NAME: ("AWS_ENDPOINT_URL_S3", "MLFLOW_S3_ENDPOINT_URL", "FEAST_S3_ENDPOINT_URL", *_S3_KEYS),
    mlflow_server.NAME: ("MLFLOW_TRACKING_URI",),
    BROKER: ("K_SINK",),
    PIPELINES: ("KF_PIPELINES_ENDPOINT",),
    kubernetes.NAME: ("KUBECONFIG",),
}
"""By service, the variable of its address and those that go with it."""


def environment(home: Path) -> dict[str, str]:
    """Variables of the servers that this home has up."""
    found = {"DRIFTLOOP_HOME": str(home), "MLFLOW_DISABLE_TELEMETRY": "true"}
    for name, (variable, *_) in _VARIABLES.items():
        if record := _up(home, name):
            found[variable] = _address(home, record)
    if "AWS_ENDPOINT_URL_S3" in found:
        keys = credentials.read(home)
        found |= _s3_aliases(found["AWS_ENDPOINT_URL_S3"]) | {
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_REGION": "us-east-1",
        }
    return found


def predictor_address(home: Path) -> str | None:
    """Where the first InferenceService answers, if there is one and the controllers are up.

    For clients that know nothing of InferenceServices: a `driftloop` command asks each loop's own for its address.
    """
    return next(iter(_inference_services(home)), None) if _up(home, CONTROLLERS) else None


def laid_under(home: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, completed: what the user has set wins.

    Keys belong to their address: with the user's own AWS_ENDPOINT_URL_S3 this home's keys stay out, and without
    it the user's keys for some other S3 do. While this home's Kubernetes API is up, KUBECONFIG is its own: what is
    for the laptop must not be applied to the cluster that a shell happens to point at.
    """
    own = environment(home)
    user = users_own(home, env)
    if "AWS_ENDPOINT_URL_S3" in user:
        own = {name: value for name, value in own.items() if name not in _S3_KEYS}
        own |= _s3_aliases(user["AWS_ENDPOINT_URL_S3"])
    elif "AWS_ENDPOINT_URL_S3" in own:
        user = {name: value for name, value in user.items() if name not in _S3_KEYS}
    if "KUBECONFIG" in own:
        user.pop("KUBECONFIG", None)
    return {**own, **user, **past_proxies(user)}


def users_own(home: Path, env: Mapping[str, str]) -> dict[str, str]:
    """What the user has set, without the addresses of this home that `laid_under` or `driftloop env` put there."""
    user = {name: value for name, value in env.items() if value}
    for service, (address, *others) in _VARIABLES.items():
        record = state.read(home, service)
        if record and user.get(address, "").rstrip("/") == _address(home, record):
            user = {name: value for name, value in user.items() if name not in (address, *others)}
    if user.get("DRIFTLOOP_PREDICTOR_URL", "").rstrip("/") in _inference_services(home):
        del user["DRIFTLOOP_PREDICTOR_URL"]
    return user


def _inference_services(home: Path) -> list[str]:
    """Their addresses, which they keep as long as they live."""
    names = (name for name in memory.names(home) if name.startswith(f"InferenceService+{NAMESPACE}+"))
    return [f"http://127.0.0.1:{found.port}" for name in names if (found := memory.read(home, name))]


def _address(home: Path, record: Record) -> str:
    """What the variable of a server says: where it answers, or where it is told."""
    if record.service == kubernetes.NAME:
        return str(access.kubeconfig_path(home))
    if record.service == BROKER:
        return f"{record.address}/{NAMESPACE}/driftloop"
    return record.address


def past_proxies(user: Mapping[str, str]) -> dict[str, str]:
    """With a proxy in the user's environment, the exception that loopback is not asked through it."""
    if not any(name.lower() in ("http_proxy", "all_proxy") for name in user):
        return {}
    hosts = [*filter(None, (user.get("no_proxy") or user.get("NO_PROXY") or "").split(",")), "127.0.0.1", "localhost"]
    return dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join(dict.fromkeys(hosts)))


def _s3_aliases(address: str) -> dict[str, str]:
    return {"MLFLOW_S3_ENDPOINT_URL": address, "FEAST_S3_ENDPOINT_URL": address}


def _up(home: Path, name: str) -> Record | None:
    record = state.read(home, name)
    return record if record and record.token else None
