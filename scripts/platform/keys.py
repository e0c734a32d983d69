"""Passwords and keys of the platform: drawn once, kept where they are used, in no file.

Some Secrets are the truth; a second installation reads them. The others tell the same keys where they are needed, and
are written each time: delete one that is the truth, install again and restart what reads it, and the key has changed.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping

from scripts.platform import kubectl
from scripts.platform.kubectl import Json

S3 = "s3.object-store.svc.cluster.local:9000"
POSTGRES = "postgres.mlflow.svc.cluster.local:5432"
REDIS = "redis.redis.svc.cluster.local:6379"
BUCKETS = ("driftloop", "mlflow", "driftloop-production")
"""The last is where a promotion goes, of the environment in pipelines/environments/production.toml."""
USERS = ("driftloop", "kubeflow")
"""Namespaces of the loop and of its pipelines' steps."""
MANAGER = "driftloop-keys"
ENDPOINT = "serving.kserve.io/s3-endpoint"

Values = Mapping[str, str]


def ensure() -> None:
    """Make what is missing of keys, and of the namespaces of those who use them."""
    _apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in USERS)
    truth = {place: _kept(*place, values) for place, values in drawn().items()}
    _apply(found for found in derived(truth) if not _is_of_another_store(found))


def _is_of_another_store(found: Json) -> bool:
    """Whether a Secret is there that holds the keys of an S3 which this installation did not make."""
    if not found["metadata"]["annotations"]:
        return False
    there = kubectl.find("secret", found["metadata"]["name"], found["metadata"]["namespace"])
    endpoint = (there or found)["metadata"].get("annotations", {}).get(ENDPOINT)
    return endpoint not in (None, S3)


def drawn() -> dict[tuple[str, str], Values]:
    """(namespace, name) of each Secret that is the truth → values for it, new ones each time."""
    return {
        ("object-store", "s3-admin"): {"user": "admin-" + _word(4), "password": _word()},
        ("object-store", "s3-keys"): {"AWS_ACCESS_KEY_ID": _word(10), "AWS_SECRET_ACCESS_KEY": _word()},
        ("mlflow", "postgres"): {"password": _word()},
        ("redis", "redis"): _redis(_word()),
        ("kubeflow", "mlpipeline-minio-artifact"): {"accesskey": _word(10), "secretkey": _word()},
        ("monitoring", "grafana-admin"): {"user": "admin-" + _word(4), "password": _word()},
    }


def derived(truth: Mapping[tuple[str, str], Values]) -> Iterator[Json]:
    """Secrets that tell the keys to those who use them."""
    admin, s3 = truth["object-store", "s3-admin"], truth["object-store", "s3-keys"]
    redis = f"redis://{REDIS},password={truth['redis', 'redis']['password']}"
    database = f"postgresql://mlflow:{truth['mlflow', 'postgres']['password']}@{POSTGRES}/mlflow"
    yield _secret("object-store", "s3-identities", {"s3.json": json.dumps(identities(admin, s3))})
    yield _secret("mlflow", "mlflow-s3", s3)
    yield _secret("mlflow", "mlflow", {"MLFLOW_BACKEND_STORE_URI": database})
    for namespace in USERS:
        yield _secret(namespace, "driftloop-s3", s3, _KSERVE)
        yield _secret(namespace, "driftloop-redis", {"DRIFTLOOP_FEAST_ONLINE_STORE": redis})


_KSERVE = {
    ENDPOINT: S3,
    "serving.kserve.io/s3-usehttps": "0",
    "serving.kserve.io/s3-region": "us-east-1",
    "serving.kserve.io/s3-usevirtualbucket": "false",
}
"""Where the keys hold: KServe's storage initializer reads it from the Secret itself."""


def identities(admin: Values, s3: Values) -> Json:
    """Who may do what, as SeaweedFS wants it: the loop's keys reach its buckets and nothing else."""
    actions = [f"{verb}:{bucket}" for bucket in BUCKETS for verb in ("Read", "Write", "List", "Tagging")]
    loop = (s3["AWS_ACCESS_KEY_ID"], s3["AWS_SECRET_ACCESS_KEY"])
    return {
        "identities": [
            _identity("admin", (admin["user"], admin["password"]), ["Admin"]),
            _identity("driftloop", loop, actions),
        ]
    }


def _identity(name: str, pair: tuple[str, str], actions: list[str]) -> Json:
    return {"name": name, "credentials": [{"accessKey": pair[0], "secretKey": pair[1]}], "actions": actions}


def _apply(objects: Iterable[Json]) -> None:
    kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}), MANAGER)


def _kept(namespace: str, name: str, values: Values) -> Values:
    """The values of a Secret, which is made with those given if there is none."""
    found = kubectl.find("secret", name, namespace)
    if found is None:
        kubectl.run("create", "--filename=-", stdin=json.dumps(_secret(namespace, name, values)))
        return values
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def _secret(namespace: str, name: str, values: Values, annotations: Values | None = None) -> Json:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    metadata = {"name": name, "namespace": namespace, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def _redis(password: str) -> Values:
    return {"password": password, "password.conf": f"requirepass {password}\n"}


def _word(size: int = 24) -> str:
    """Hexadecimal digits: they need no quoting in an address, a configuration or a shell."""
    return secrets.token_hex(size)
