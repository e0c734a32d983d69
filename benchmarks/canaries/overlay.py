"""The laptop's manifests with another container in the ServingRuntime, applied as any overlay is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from canaries import container
from components.inference_service import RUNTIME
from pocket import manifests
from pocket.checkout import ROOT
from pocket.environment import laid_under


def apply(home: Path, containers: Mapping[str, str]) -> None:
    """Run every predictor in the benchmark's container; `containers`: version → what is wrong with it there."""
    folder = home / "overlay"
    folder.mkdir()
    env = [{"name": container.VERSIONS, "value": json.dumps(dict(containers))}]
    place = "/spec/containers/0"
    patch = [
        {"op": "replace", "path": f"{place}/command", "value": ["python", str(Path(container.__file__).resolve())]},
        {"op": "add", "path": f"{place}/env", "value": env},
    ]
    body = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(ROOT / manifests.OVERLAY, folder.resolve())],
        "patches": [{"target": {"kind": "ServingRuntime", "name": RUNTIME}, "patch": json.dumps(patch)}],
    }
    (folder / "kustomization.yaml").write_text(json.dumps(body, indent=1))
    manifests.apply(home, laid_under(home, os.environ), str(folder))
