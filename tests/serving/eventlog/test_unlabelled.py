"""Labels find their windows, whichever comes first. No storage."""

from __future__ import annotations

from datetime import timedelta

from eventlog_parts import START
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.eventlog import StoredWindow
from serving.eventlog.unlabelled import Unlabelled

WINDOWS = {"a": ["r0", "r1", "r2", "r3"], "b": ["r4", "r5", "r6", "r7"], "c": ["r0", "r5", "r8", "r9"]}
"""Window → its rows; c, of another version, has rows of both others."""

happenings = st.lists(
    st.one_of(st.sampled_from(sorted(WINDOWS)), st.tuples(st.integers(0, 11), st.integers(0, 3), st.booleans())),
    max_size=60,
)
"""A window is cut, or a label comes: of a row, known at an hour, late or not."""


def window(uri: str) -> StoredWindow:
    """A window of four rows."""
    return StoredWindow(uri, "1", uri, START, START + timedelta(hours=1), 4)


@settings(deadline=None)
@given(happenings)
def test_any_order_of_windows_and_labels(all_that_happens: list[str | tuple[int, int, bool]]) -> None:
    """A window is ready when three of its four rows have labels, and the label that was known last counts."""
    unlabelled = Unlabelled()
    cut: set[str] = set()
    known: dict[str, tuple[int, str]] = {}
    for happening in all_that_happens:
        if isinstance(happening, str):
            if happening not in cut:
                unlabelled.wait_for("trips", window(happening), WINDOWS[happening], 0.75)
                cut.add(happening)
        else:
            number, hour, late = happening
            row_id, label = f"r{number}", "late" if late else "on"
            unlabelled.learn("trips", [(row_id, START + timedelta(hours=hour), label)])
            if row_id not in known or known[row_id][0] <= hour:
                known[row_id] = hour, label

    ready = {
        each.window.uri: {row_id: label for row_id, (_, label) in each.labels.items()} for each in unlabelled.ready
    }
    expected = {uri: {row: known[row][1] for row in WINDOWS[uri] if row in known} for uri in cut}
    assert ready == {uri: labels for uri, labels in expected.items() if len(labels) >= 3}


def test_memory_is_bounded() -> None:
    """The oldest window gives way, and so do the oldest labels."""
    unlabelled = Unlabelled(max_open_rows=8, max_labels=2)
    unlabelled.learn("trips", [(row_id, START, "late") for row_id in ("r8", "r0", "r5")])
    for uri in "abc":
        unlabelled.wait_for("trips", window(uri), WINDOWS[uri], 0.5)
    unlabelled.learn("trips", [(row_id, START, "late") for row_id in ("r1", "r2", "r3")])

    assert unlabelled.given_up == 1
    assert [each.window.uri for each in unlabelled.ready] == ["c"]


def test_other_loops_have_labels_of_their_own() -> None:
    """The same row id in two loops is two rows."""
    unlabelled = Unlabelled()
    unlabelled.wait_for("trips", window("a"), WINDOWS["a"], 0.25)
    unlabelled.learn("flights", [("r0", START, "late")])

    assert unlabelled.ready == []
