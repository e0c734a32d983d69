"""A PATH on which nothing is found but what a test puts there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from scripts.cluster import kind
from tests.scripts.cluster.cluster_programs import Programs


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """They are found by PATH; kubectl, which is part of the environment, beside its Python."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "git").write_text("#!/bin/sh\necho git version 2.50\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DRIFTLOOP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KUBECONFIG", os.devnull)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
    return Programs(folder)


@pytest.fixture
def whole_machine(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A machine on which nothing is missing."""
    programs.make_docker()
    programs.make_kind()
    programs.make_kubectl()
    monkeypatch.setattr(kind, "host_ports", list)
    return programs
