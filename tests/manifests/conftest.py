"""Every kustomization, rendered as kubectl renders it."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from pocket.checkout import ROOT

# manifests/platform has tests of its own.
KUSTOMIZATIONS = sorted(
    str(path.parent.relative_to(ROOT)) for path in ROOT.glob("manifests/[!p]*/**/kustomization.yaml")
)


@pytest.fixture(scope="session", params=KUSTOMIZATIONS)
def folder(request: pytest.FixtureRequest) -> str:
    """Each folder with a kustomization."""
    return str(request.param)


@pytest.fixture(scope="session")
def rendering(folder: str) -> list[dict[str, Any]]:
    """Its objects."""
    return rendered(folder)


@cache
def rendered(folder: str) -> list[dict[str, Any]]:
    """The objects of a folder."""
    command = [str(Path(sys.executable).with_name("kubectl")), "kustomize", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))
