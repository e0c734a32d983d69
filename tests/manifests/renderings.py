"""Every rendering there is: base, each overlay, and base with any choice of options."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from pocket.checkout import ROOT

Json = dict[str, Any]

KUBECTL = str(Path(sys.executable).with_name("kubectl"))
POCKET, BASE = "manifests/overlays/pocket", "manifests/base"
OPTIONS = tuple(sorted(path.parent.name for path in ROOT.glob("manifests/components/*/kustomization.yaml")))
FOLDERS = (BASE, *sorted(str(path.parent.relative_to(ROOT)) for path in ROOT.glob("manifests/overlays/*/kust*.yaml")))
CLUSTERS = tuple(folder for folder in FOLDERS if folder not in (BASE, POCKET))
PRODUCTION = "manifests/overlays/production"
TRAINING = tuple(folder for folder in CLUSTERS if folder != PRODUCTION)


@cache
def rendered(folder: str) -> list[Json]:
    """The objects of a folder, as kubectl renders them."""
    return _kustomize(folder)


def with_options(folder: str, options: tuple[str, ...]) -> list[Json]:
    """The objects of a folder with options added."""
    with TemporaryDirectory() as temporary:
        place = Path(temporary).resolve()
        resources, components = [folder], [f"manifests/components/{name}" for name in options]
        body = {"resources": _paths(place, resources), "components": _paths(place, components)}
        (place / "kustomization.yaml").write_text(yaml.safe_dump(body))
        return _kustomize(temporary)


def _kustomize(folder: str) -> list[Json]:
    command = [KUBECTL, "kustomize", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, yaml.CSafeLoader))


@cache
def choices() -> dict[tuple[str, ...], list[Json]]:
    """Base with each set of options. What an overlay adds to base are options, so these are its own choices too."""
    sets = [chosen for count in range(len(OPTIONS) + 1) for chosen in itertools.combinations(OPTIONS, count)]
    with ThreadPoolExecutor(4) as pool:  # each waits for a program
        return dict(zip(sets, pool.map(with_options, itertools.repeat(BASE), sets), strict=True))


def options_of(folder: str) -> list[str]:
    """The options that a folder's kustomization lists."""
    body = yaml.safe_load((ROOT / folder / "kustomization.yaml").read_text())
    return [Path(path).name for path in body.get("components", [])]


def _paths(place: Path, folders: list[str]) -> list[str]:
    return [os.path.relpath(ROOT / folder, place) for folder in folders]
