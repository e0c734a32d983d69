"""Shorter forms of a payload's lists: each makes the list that it stands for, or is refused by the field's name."""

from __future__ import annotations

import base64
import json
from itertools import groupby
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.events import MAX_FEATURES, MAX_ROWS, Payload

NOON = "2013-03-01T12:00:00Z"


def float32(*numbers: float) -> dict[str, str]:
    """Numbers by their bytes."""
    return {"float32": base64.b64encode(np.array(numbers, "<f4").tobytes()).decode()}


def float64(*numbers: float) -> dict[str, str]:
    """The same in double precision."""
    return {"float64": base64.b64encode(np.array(numbers, "<f8").tobytes()).decode()}


def runs(values: list[Any]) -> dict[str, Any]:
    """Values by their runs."""
    return {"runs": [[value, len(list(same))] for value, same in groupby(values)]}


PACKED: dict[str, Any] = {
    "loop": "flights",
    "model_version": "3",
    "revision": "flights-00003",
    "row_ids": {"requests": [["a", 3, 2]]},
    "timestamps": {"runs": [[NOON, 2]]},
    "columns": {"distance": float32(0.1, float("nan"))},
    "scores": {"late": float32(0.25, 1)},
    "seconds": {"runs": [[0.002, 2]]},
    "errors": {"runs": [[None, 2]]},
}


def read(**changes: Any) -> Payload:
    """A payload of two rows, as it is read from JSON."""
    return Payload.model_validate_json(json.dumps({**PACKED, **changes}))


REQUEST = st.tuples(
    st.text(min_size=1, max_size=4).filter(lambda text: text.isprintable()),
    st.integers(1, 4),
    st.sampled_from([NOON, "2013-03-01T12:00:00.25+01:00"]),
    st.floats(0, 10),
    st.sampled_from([None, "ValueError: x"]),
)


@given(requests=st.lists(REQUEST, min_size=1, max_size=6), data=st.data())
@settings(deadline=None)
def test_both_forms_are_the_same_payload(requests: list[tuple[Any, ...]], data: st.DataObject) -> None:
    """Whatever the rows hold: the decimals of the plain form, its nulls, ids, times and errors."""
    names, counts, times, seconds, errors = zip(*requests, strict=True)
    total = sum(counts)
    numbers = data.draw(st.lists(st.floats(width=32), min_size=total, max_size=total))
    scores = data.draw(st.lists(st.floats(0, 1, width=32), min_size=total, max_size=total))

    def each(values: tuple[Any, ...]) -> list[Any]:
        return [value for value, count in zip(values, counts, strict=True) for _ in range(count)]

    def decimals(values: list[float]) -> list[float | None]:
        written = orjson.dumps(np.array(values, "<f4"), option=orjson.OPT_SERIALIZE_NUMPY)
        found: list[float | None] = json.loads(written)
        return found

    plain = read(
        row_ids=[f"{name}/{row}" for name, count in zip(names, counts, strict=True) for row in range(count)],
        timestamps=each(times),
        columns={"distance": decimals(numbers)},
        scores={"late": decimals(scores)},
        seconds=each(seconds),
        errors=each(errors),
    )
    packed = read(
        row_ids={"requests": [[name, 0, count] for name, count in zip(names, counts, strict=True)]},
        timestamps=runs(each(times)),
        columns={"distance": float32(*numbers)},
        scores={"late": float32(*scores)},
        seconds=runs(each(seconds)),
        errors=runs(each(errors)),
    )
    assert packed == plain
    assert packed.model_dump_json() == plain.model_dump_json()


def test_numbers_are_the_shortest_decimals() -> None:
    """0.1 in single precision is 0.1, not 0.10000000149; what is not finite is null; the rest has its plain list."""
    found = read()
    assert found.columns == {"distance": (0.1, None)}
    assert found.row_ids == ("a/3", "a/4")
    assert read(columns={"distance": float32(float("inf"), -0.0)}).columns == {"distance": (None, 0.0)}


@given(seconds=st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)))
def test_seconds_are_what_they_were(seconds: tuple[float, float]) -> None:
    """In double precision no bit is lost."""
    assert read(seconds=float64(*seconds)).seconds == seconds


TOO_MANY = [[None, MAX_ROWS], [None, 1]]


@pytest.mark.parametrize(
    ("changes", "field", "why"),
    [
        ({"columns": {"distance": {"float32": "zczMPQAAwH8"}}}, "columns.distance", "padding"),
        ({"columns": {"distance": {"float32": "zczM PQAAwH8="}}}, "columns.distance", "base64"),
        ({"columns": {"distance": {"float32": "zczMPQ=="[:4]}}}, "columns.distance", "3 bytes are no whole number"),
        ({"columns": {"distance": {"float32": "é" * 8}}}, "columns.distance", "ASCII"),
        ({"columns": {"distance": {"float32": "A" * 60_000}}}, "columns.distance", "at most"),
        ({"columns": {"distance": {"float32": 1}}}, "columns.distance", "valid string"),
        ({"columns": {"distance": {"float64": "AAAA"}}}, "columns.distance", "float32: Field required"),
        ({"columns": {"distance": {**float32(1, 2), "more": 1}}}, "columns.distance", "more: Extra inputs"),
        ({"columns": {"distance": {"runs": [[1, 2]]}}}, "columns.distance", "float32: Field required"),
        ({"columns": {"distance": float32(1)}}, "", "'distance' has 1 entries for 2 row_ids"),
        ({"columns": {str(at): float32(1, 2) for at in range(MAX_FEATURES + 1)}}, "columns", "2000"),
        ({"scores": {"late": float32(2, 1)}}, "scores.late.0", "less than or equal to 1"),
        ({"scores": {"late": float32(float("nan"), 1)}}, "", "neither a score nor an error"),
        ({"row_ids": {"requests": [["a", 0, 0]]}}, "row_ids", "requests.0.2"),
        ({"row_ids": {"requests": [["a", -1, 2]]}}, "row_ids", "requests.0.1"),
        ({"row_ids": {"requests": [["", 0, 2]]}}, "row_ids", "requests.0.0"),
        ({"row_ids": {"requests": [["a", 2]]}}, "row_ids", "requests.0.2"),
        ({"row_ids": {"requests": []}}, "row_ids", "at least 1 item"),
        ({"row_ids": {"requests": [["a", 0, MAX_ROWS], ["b", 0, 1]]}}, "row_ids", "10001 rows"),
        ({"row_ids": {"requests": [["a" * 1024, 0, 2]]}}, "row_ids.0", "at most 1024"),
        ({"errors": {"runs": TOO_MANY}}, "errors", "10001 rows"),
        ({"errors": {"runs": [[None, 10**30]]}}, "errors", "runs.0.1"),
        ({"errors": {"runs": [["x" * 1025, 2]]}}, "errors", "runs.0.0"),
        ({"errors": {"runs": [[[], 2]]}}, "errors", "runs.0.0"),
        ({"errors": {"runs": [[None, 1]]}}, "", "'errors' has 1 entries"),
        ({"timestamps": {"runs": [["noon", 2]]}}, "timestamps.0", "datetime"),
        ({"seconds": {"runs": [[-1, 2]]}}, "seconds.0", "greater than or equal to 0"),
        ({"seconds": {}}, "seconds", "runs: Field required"),
        ({"seconds": float64(1, -1)}, "seconds.1", "greater than or equal to 0"),
        ({"seconds": float64(float("nan"), 1)}, "seconds.0", "valid number"),
        ({"seconds": {"float64": "AAAA"}}, "seconds", "3 bytes are no whole number of float64"),
        ({"seconds": float64(*[0] * (MAX_ROWS + 2))}, "seconds", "at most"),
    ],
)
def test_a_form_that_makes_no_list_is_refused(changes: dict[str, Any], field: str, why: str) -> None:
    """The error names the field, and what of it is wrong; nothing larger than an event may hold is made on the way."""
    with pytest.raises(ValidationError) as caught:
        read(**changes)
    problem = caught.value.errors()[0]
    assert ".".join(map(str, problem["loc"])) == field
    assert why in problem["msg"]
