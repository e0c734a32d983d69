"""manifests/platform without a network: what is fetched is replaced by stand-ins for the objects that patches name."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.platform.plan import PLATFORM

Json = Any
FOLDERS = sorted(
    str(path.parent.relative_to(PLATFORM))
    for path in PLATFORM.rglob("kustomization.yaml")
    if "charts" not in path.parts
)


@pytest.fixture(scope="session", params=FOLDERS)
def folder(request: pytest.FixtureRequest) -> str:
    """Each folder that is a step."""
    return str(request.param)


@pytest.fixture(scope="session")
def kustomization(folder: str) -> Mapping[str, Any]:
    """Its kustomization."""
    return dict(yaml.safe_load((PLATFORM / folder / "kustomization.yaml").read_text()))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of manifests/platform that renders without a network."""
    copy = shutil.copytree(
        PLATFORM, tmp_path_factory.mktemp("manifests") / "platform", ignore=shutil.ignore_patterns("charts")
    )
    for path in copy.rglob("kustomization.yaml"):
        _stand_in(path)
    return copy


@pytest.fixture(scope="session")
def renderings(platform: Path) -> Mapping[str, list[Json]]:
    """Folder that holds more than an address → its objects, stand-ins among them."""
    return {name: _rendered(platform / name) for name in FOLDERS if len(list((PLATFORM / name).iterdir())) > 1}


@pytest.fixture(scope="session")
def ours(renderings: Mapping[str, list[Json]]) -> list[Json]:
    """Every object that is written here and not a patch of somebody else's."""
    return [found for objects in renderings.values() for found in objects if not _is_stand_in(found)]


@pytest.fixture(scope="session")
def versions() -> Mapping[str, Any]:
    """versions.toml."""
    return tomllib.loads((PLATFORM / "versions.toml").read_text())


def _stand_in(path: Path) -> None:
    body = yaml.safe_load(path.read_text())
    resources = body.get("resources", [])
    if body.pop("helmCharts", None) or any("://" in name for name in resources):
        body["resources"] = [*(name for name in resources if "://" not in name), "fetched.yaml"]
        patches = [path.parent / patch["path"] for patch in body.get("patches", [])]
        (path.parent / "fetched.yaml").write_text(yaml.safe_dump_all(_fetched(patches)))
    path.write_text(yaml.safe_dump(body))


def _fetched(patches: Iterable[Path]) -> list[Json]:
    found = [yaml.safe_load(path.read_text()) for path in patches]
    mark = {"annotations": {"stand-in": "yes"}}
    named = [
        {"apiVersion": one["apiVersion"], "kind": one["kind"], "metadata": one["metadata"] | mark} for one in found
    ]
    return named or [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fetched", **mark}}]


def _is_stand_in(found: Json) -> bool:
    return "stand-in" in found["metadata"].get("annotations", {})


def _rendered(folder: Path) -> list[Json]:
    command = [str(Path(sys.executable).with_name("kubectl")), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [found for found in yaml.safe_load_all(done.stdout) if found]
