"""The picture that ends the demo, and its page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from components.story import Mark, MonthAuc, Retrained, Story, write

AT = datetime(2013, 5, 3, tzinfo=UTC)
MONTHS = (
    MonthAuc(date(2013, 3, 1), 0.757, 0.757, 0.757),
    MonthAuc(date(2013, 4, 1), 0.717, 0.715, None),
    MonthAuc(date(2013, 5, 1), 0.750, None, 0.770),
)
MARKS = (
    Mark(AT, "suppressed", "Its windows drift, but it has served for 9 days only.", "1"),
    Mark(AT, "retrain", "3 of the last 5 windows drifted.", "1"),
    Mark(AT, "gate_passed", "All floors hold.", "2"),
    Mark(AT, "promoted", "No check failed at <50 %>.", "2"),
    Mark(AT, "gate_rejected", "It may be worse.", "3"),
    Mark(AT, "rolled_back", "More errors.", "4"),
)
TOLD = Story("flights", MONTHS, MARKS, (Retrained(AT, "1-000008", "[2013-01-01, 2013-04-18)", "promoted", 41.25),))


def page_of(told: Story, folder: Path) -> str:
    """The page's text."""
    return write(told, folder)[1].read_text()


def test_the_page_tells_what_each_retrain_cost(tmp_path: Path) -> None:
    """How many there were, and the seconds of each."""
    page = page_of(TOLD, tmp_path)
    assert "1 retrain, 41 seconds together" in page
    assert "41.2" in page
    assert "1-000008" in page


def test_every_decision_is_on_the_page_with_its_reason(tmp_path: Path) -> None:
    """What a reason says is text, never markup."""
    page = page_of(TOLD, tmp_path)
    for mark in MARKS:
        assert mark.text.replace("<", "&lt;").replace(">", "&gt;") in page


def test_the_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    """The picture is inside; no script, no address is loaded."""
    page = page_of(TOLD, tmp_path)
    assert "<svg" in page
    assert "<script" not in page
    assert "src=" not in page


def test_the_same_story_gives_the_same_page(tmp_path: Path) -> None:
    """Byte for byte."""
    assert page_of(TOLD, tmp_path / "one") == page_of(TOLD, tmp_path / "two")


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    """For where a page cannot be shown."""
    assert write(TOLD, tmp_path)[0].read_bytes().startswith(b"\x89PNG")


def test_a_story_in_which_nothing_happened_can_be_told(tmp_path: Path) -> None:
    """No month, no decision, no retrain."""
    assert "0 retrains, 0 seconds together" in page_of(Story("flights", (), (), ()), tmp_path)


def test_means_leave_out_months_without_a_figure() -> None:
    """None where there is no month at all."""
    assert TOLD.mean("driftloop") == pytest.approx((0.757 + 0.770) / 2)
    assert Story("flights", (), (), ()).mean("never") is None
