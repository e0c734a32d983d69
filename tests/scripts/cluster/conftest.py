"""A PATH on which nothing is found but what a test puts there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.cluster import kind, preflight
from tests.scripts.cluster.cluster_programs import Programs


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    """They are found by PATH; kubectl, which is part of the environment, beside its Python.

    Commands set variables of their process for good: here they are put back.
    """
    before = dict(os.environ)
    folder = tmp_path / "programs"
    folder.mkdir()
    found = Programs(folder)
    found.make("git", "echo git version 2.50")
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    for name in ("KIND_EXPERIMENTAL_PROVIDER", "AWS_ENDPOINT_URL_S3", "MLFLOW_TRACKING_URI", "KF_PIPELINES_ENDPOINT"):
        os.environ.pop(name, None)
    os.environ |= {"PATH": str(folder), "DRIFTLOOP_HOME": str(tmp_path / "home"), "KUBECONFIG": os.devnull}
    yield found
    os.environ.clear()
    os.environ |= before


@pytest.fixture
def whole_machine(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A machine on which nothing is missing."""
    programs.make_docker()
    programs.make_kind()
    programs.make_kubectl()
    monkeypatch.setattr(kind, "host_ports", list)
    monkeypatch.setattr(preflight, "SYSCTL", programs.folder)
    return programs
