"""A second environment on the same cluster: a namespace with what a predictor needs, and files that describe both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.settings import Settings
from scripts.platform import kubectl

NAME = "second"
"""Of the environment, so that no environment of the user's loses its champion."""
NAMESPACE = "driftloop-second"
COPIED = (
    "configmap/driftloop-settings",
    "secret/driftloop-s3",
    "serviceaccount/predictor",
    "servingruntimes.serving.kserve.io/driftloop-predictor",
)


@contextmanager
def second_namespace() -> Iterator[None]:
    """The namespace, for as long as the block runs."""
    try:
        _make()
        yield
    finally:
        kubectl.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=10m")


def write_environments(folder: Path, settings: Settings) -> None:
    """Staging is where the loop works; the second has its event log in a bucket that is there."""
    asked = f"gateway = {json.dumps(settings.predictor_url)}\n" if settings.predictor_url else ""
    (folder / "staging.toml").write_text(asked)
    (folder / f"{NAME}.toml").write_text(
        f'after = "staging"\nnamespace = "{NAMESPACE}"\ndata_bucket = "{settings.mlflow_bucket}"\n{asked}'
    )


def _make() -> None:
    bodies = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}]
    for name in COPIED:
        place = f"--namespace={Settings.from_env().namespace}"
        body = json.loads(kubectl.run("get", name, place, "--output=json"))
        kept = {key: body["metadata"][key] for key in ("name", "annotations", "labels") if key in body["metadata"]}
        body["metadata"] = {**kept, "namespace": NAMESPACE}
        body.pop("status", None)
        bodies.append(body)
    for body in bodies:
        kubectl.apply(json.dumps(body), "driftloop-tests")
