"""A Kubernetes API on this machine, which kubectl finds as it would find a cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocket import services
from pocket.kubernetes import access, service
from pocket.launcher import Launcher
from pocket.progress import silent


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose API is up, and nothing else."""
    home = tmp_path_factory.mktemp("platform") / "home"
    launcher = Launcher(home, silent)
    try:
        launcher.settle(launcher.begin(service.service(home, os.environ)))
        yield home
    finally:
        services.down(home, silent)


@pytest.fixture
def cluster(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBECONFIG names it."""
    monkeypatch.setenv("KUBECONFIG", str(access.kubeconfig_path(home)))
    monkeypatch.setenv("KUBECACHEDIR", str(home / "cache"))
