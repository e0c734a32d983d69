"""The backend a loop names."""

from __future__ import annotations

import sys

import pytest

from contracts.errors import ConfigError
from serving.drift.backend import backend
from serving.drift.choice import Choice


def test_scipy() -> None:
    """`scipy` is there in every environment."""
    assert backend("scipy").name == "scipy"


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without alibi-detect its backend is refused, with the two ways out."""
    for name in ("alibi_detect", "alibi_detect.cd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=r"alibi_detect.* is missing.*make drift-env.*drift\.backend to scipy"):
        backend("alibi-detect")


def test_a_process_set_to_one_backend_has_no_other() -> None:
    """Whatever a specification names; a word that is no backend is refused."""
    choice = Choice({"DRIFTLOOP_DRIFT_BACKEND": "scipy"})
    assert [choice.of(name).name for name in ("scipy", "alibi-detect")] == ["scipy", "scipy"]
    with pytest.raises(ConfigError, match=r"'magic'.*alibi-detect, scipy"):
        Choice({"DRIFTLOOP_DRIFT_BACKEND": "magic"})
