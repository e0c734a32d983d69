"""Values laid over a loop's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.loop import LoopSpec
from tests.contracts.loop_file import TOML, refusal, written


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("train.trials=7", 7),
        (" train.trials = 7 ", 7),
        ("data.source=s3://bucket/prefix/", "s3://bucket/prefix/"),
        ("data.source='quoted'", "quoted"),
        ("data.source=a=b", "a=b"),
        ("gate.min_roc_auc=0.7", 0.7),
        ("train.space.xgboost.max_depth=[4, 5]", (4, 5)),
    ],
)
def test_override(tmp_path: Path, override: str, value: object) -> None:
    """`section.key=value` lays a value over the file's: TOML where it is TOML, text otherwise."""
    found: object = LoopSpec.load(written(tmp_path), (override,))
    for part in override.partition("=")[0].strip().split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)

    assert found == value


def test_later_override_wins(tmp_path: Path) -> None:
    """Overrides are laid over each other in order."""
    assert LoopSpec.load(written(tmp_path), ("train.trials=7", "train.trials=8")).train.trials == 8


@pytest.mark.parametrize("override", ["train.trials", "trials=7", "=7", ""])
def test_override_without_form(tmp_path: Path, override: str) -> None:
    """An override of another form is quoted with the form it should have."""
    assert f"Override {override!r} is not of the form section.key=value" in refusal(tmp_path, TOML, override)


def test_override_below_a_value(tmp_path: Path) -> None:
    """A value has no keys to lay anything over."""
    assert "trials is a value, not a section" in refusal(tmp_path, TOML, "train.trials.more=7")


def test_override_is_checked_too(tmp_path: Path) -> None:
    """What an override brings must be valid like the file."""
    assert "unknown key train.trails = 7" in refusal(tmp_path, TOML, "train.trails=7")
