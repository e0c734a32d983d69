"""What every source makes of times, asked of every kind of source."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest

from contracts.errors import DataError
from contracts.window import Window
from feature_store.sources.source import Table
from tests.feature_store.sources.kept import Keep

UTC_TIME = pa.timestamp("us", tz="UTC")
TICK = timedelta(microseconds=1)
WINDOW = Window(date(2013, 1, 2), date(2013, 1, 4))


@pytest.mark.parametrize(
    "times",
    [
        pa.array([WINDOW.start_time - TICK, WINDOW.start_time, WINDOW.end_time], UTC_TIME).cast(pa.timestamp("us")),
        pa.array([date(2013, 1, 1), date(2013, 1, 2), date(2013, 1, 4)]),
        pa.array(["2013-01-02T00:30:00+01:00", "2013-01-02 00:00", "2013-01-04"]),
        pa.array(["2013-01-01T23:59:59.999999999Z", "2013-01-01T19:00:00-0500", "2013-01-04T00:00:00Z"]),
    ],
    ids=["without-zone", "dates", "text", "text-with-zone"],
)
def test_times_of_any_type(keep: Keep, times: pa.Array) -> None:
    """Times without a zone, dates and ISO text are taken as UTC and come as timestamp[us, UTC]."""
    rows = pa.table({"at": times, "number": [1, 2, 3]})

    (batch,) = keep("trips", rows).read(Table("trips", "at", ("at", "number")), WINDOW)

    assert batch.schema.field("at").type == UTC_TIME
    assert batch.to_pylist() == [{"at": WINDOW.start_time, "number": 2}]


@pytest.mark.parametrize("bad", ["soon", "20130102", "2013-02-30"])
def test_what_is_not_a_time(keep: Keep, bad: str) -> None:
    """The first value of the time column that is not a time is named, with its column and table."""
    rows = pa.table({"at": ["2013-01-02", None, bad, "later"]})

    with pytest.raises(DataError, match=f"Column 'at' of table 'trips' in .* holds '{bad}', which is not a time"):
        list(keep("trips", rows).read(Table("trips", "at", ("at",)), WINDOW))


def test_numbers_are_not_times(keep: Keep) -> None:
    """A number in the time column is refused, for nobody says whether it counts seconds or days."""
    rows = pa.table({"at": [1357084800]})

    with pytest.raises(DataError, match="holds '1357084800', which is not a time"):
        list(keep("trips", rows).read(Table("trips", "at", ("at",)), WINDOW))
