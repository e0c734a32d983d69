"""Windows in which there is nothing to learn."""

from __future__ import annotations

import pytest

from tests.failures.command import Command

pytestmark = pytest.mark.usefixtures("nothing_registered")


def test_a_window_without_rows_is_told(command: Command, good_source: str) -> None:
    """The window and the table."""
    ended = command.run(good_source, "--start=2014-05-01", "--end=2014-05-10", "--holdout-end=2014-05-12")
    ended.assert_told(3, "[2014-05-01, 2014-05-12) has no rows of table 'flights'", "Choose another window")


def test_a_window_that_ends_before_it_starts_is_a_mistake(other_command: Command, good_source: str) -> None:
    """Told before anything is started."""
    other_command.run(good_source, "--end=2012-12-01").assert_told(2, "[2013-01-02, 2012-12-01) is empty")
    other_command.run(good_source, "--start=yesterday").assert_told(2, "'yesterday', not a date", "2013-01-31")
    other_command.run(good_source, "--set=train.validation_days=4").assert_told(
        2, "not longer than train.validation_days = 4"
    )
    assert not other_command.home.exists()
