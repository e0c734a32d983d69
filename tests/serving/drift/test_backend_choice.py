"""The backend a loop names."""

from __future__ import annotations

import sys

import pytest

from contracts.errors import ConfigError
from serving.drift.backend import backend


def test_scipy() -> None:
    """`scipy` is there in every environment."""
    assert backend("scipy").name == "scipy"


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without alibi-detect its backend is refused, with the two ways out."""
    for name in ("alibi_detect", "alibi_detect.cd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=r"alibi_detect.* is missing.*make drift-env.*drift\.backend to scipy"):
        backend("alibi-detect")
