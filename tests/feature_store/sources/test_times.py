"""Event times of any type."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from contracts.errors import DataError
from feature_store.sources.times import UTC_TIME, to_utc

FIVE = datetime(2013, 1, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2013-01-01 05:00",
        "2013-01-01T05:00:00Z",
        "2013-01-01T05:00:00.000000999Z",
        "2013-01-01 06:00:00+01:00",
        "2013-01-01 06:00+0100",
        "2012-12-31T23:00:00-06",
    ],
)
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_text(text: str, kind: pa.DataType) -> None:
    """ISO text with and without a zone, in any of Arrow's types of text."""
    assert to_utc(pa.array([text, None]).cast(kind), "at", "here").to_pylist() == [FIVE, None]


def test_text_with_and_without_zone_together() -> None:
    """One column may mix times with a zone, times without and dates."""
    times = to_utc(pa.array(["2013-01-01 05:00", "2013-01-01T00:00-05:00", "2013-01-01"]), "at", "here")

    assert times.to_pylist() == [FIVE, FIVE, FIVE.replace(hour=0)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_units_and_zones(unit: str, zone: str | None) -> None:
    """A timestamp is an instant, whatever its unit and zone."""
    times = to_utc(pa.array([FIVE, None], UTC_TIME).cast(pa.timestamp(unit, zone)), "at", "here")

    assert (times.type, times.to_pylist()) == (UTC_TIME, [FIVE, None])


def test_nanoseconds_are_rounded_down() -> None:
    """What is finer than a microsecond is rounded down, also before 1970, so that a time never enters the next day."""
    times = to_utc(pa.array([-1, 999, 1000], pa.timestamp("ns")), "at", "here")

    assert times.cast(pa.int64()).to_pylist() == [-1, 0, 1]


@pytest.mark.parametrize("nothing", [pa.nulls(2), pa.nulls(2, pa.int64()), pa.nulls(2, pa.string())])
def test_no_times_at_all(nothing: pa.Array) -> None:
    """A column without any value is a column of missing times, whatever its type."""
    assert to_utc(nothing, "at", "here").equals(pa.nulls(2, UTC_TIME))


@pytest.mark.parametrize(
    ("values", "bad"),
    [
        (pa.array([None, 7, 8]), "7"),
        (pa.array([True]), "true"),
        (pa.array([[1]]), r"\[1\]"),
        (pa.array(["2013-01-01", "", "soon"]), ""),
        (pa.array([10**15], pa.timestamp("s")), ".*10{15}.*"),
    ],
)
def test_first_bad_value_is_named(values: pa.Array, bad: str) -> None:
    """The first value that is not a time is in the error, with its column and place."""
    with pytest.raises(
        DataError, match=rf"^Column 'at' of table 'trips' holds '{bad}', which is not a time\. Write times as"
    ):
        to_utc(values, "at", "table 'trips'")
