"""From a request to the event that tells of it: what is written is what was sent and answered, and always valid."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payload_parts import AT, halves, metric, packed, plane, rows_of, together

from contracts.cloudevent import MAX_EVENT_BYTES
from contracts.errors import ConfigError
from contracts.events import Payload, from_event
from contracts.model import Feature
from serving.predictor.dataplane import DataPlane
from serving.predictor.payload.events import PayloadEvent, payload_events
from serving.predictor.payload.packing import Packer
from serving.predictor.payload.record import Record, unpack
from serving.predictor.payload.record import rows_of as rows_in
from serving.predictor.payload.request_id import NewIds, is_sampled, request_id
from serving.predictor.payload.schema import Schema
from serving.predictor.payload.turns import finished
from serving.predictor.payload.usual import Logged
from serving.predictor.protocols.tensors import from_binary
from serving.predictor.rows import UNTOLD, Identity, Rows

SCHEMA = Schema.of(plane(), "flights-00001")


def stored(rows: Rows, probabilities: Any, error: str | None = None) -> Record:
    """A request, written and read back."""
    (record,) = unpack([packed(rows, "request", probabilities, error)], len(SCHEMA.features), len(SCHEMA.labels))
    return record


def events_of(schema: Schema, records: Sequence[Record], most: int) -> list[PayloadEvent]:
    """The events of some records, without a pause."""
    return finished(payload_events(schema, records, most))


def payload(event: PayloadEvent) -> Payload:
    """The data of an event, checked by the contract."""
    data = from_event(event.event)
    assert isinstance(data, Payload)
    assert len(data.row_ids) == event.rows
    return data


def only(*records: Record) -> Payload:
    """The data of the one event of some records."""
    (event,) = events_of(SCHEMA, list(records), 500)
    return payload(event)


def test_columns_are_told_as_they_were_sent() -> None:
    """Numbers keep their digits and kinds, categories their text, unknown ones too; what is missing is null."""
    matrix = np.zeros((4, 2), dtype=np.float32)
    columns: list[list[Any]] = [[0.1, 3, None, True], ["green", "never seen", None, b"red"]]
    found = only(stored(Rows(matrix, columns, Identity()), halves(4)))
    assert found.columns == {"size": (0.1, 3, None, True), "colour": ("green", "never seen", None, "red")}
    assert [type(value) for value in found.columns["size"]] == [float, int, type(None), bool]


def test_a_matrix_is_told_as_columns() -> None:
    """Positions become categories, NaN null, and FP32 the shortest decimal that is the same."""
    matrix = np.array([[0.1, 1], [np.nan, np.nan]], dtype=np.float32)
    found = only(stored(Rows(matrix, None, Identity()), halves(2)))
    assert found.columns == {"size": (0.1, None), "colour": ("green", None)}


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64", "INT8", "UINT64", "BOOL"])
def test_binary_tensors(datatype: str) -> None:
    """Columns of every binary datatype, at any place in the body."""
    kind = {"FP16": "<f2", "FP32": "<f4", "FP64": "<f8", "INT8": "<i1", "UINT64": "<u8", "BOOL": "?"}[datatype]
    sizes = from_binary("size", datatype, [2], np.array([1, 0], dtype=kind).tobytes()).values
    colours = from_binary("colour", "BYTES", [2], b"\3\0\0\0red\0\0\0\0").values
    found = only(stored(Rows(np.zeros((2, 2), dtype=np.float32), [sizes, colours], Identity()), halves(2)))
    assert found.columns == {"size": (1, 0), "colour": ("red", "")}


def test_many_numbers_are_told_by_their_bytes() -> None:
    """And ids, times, seconds and errors once a request, in each event that has some of its rows; text is as it is."""
    rows = Rows(np.array([[0.1, 1]] * 10, dtype=np.float32), None, Identity())
    events = [json.loads(event.event.data) for event in events_of(SCHEMA, [stored(rows, halves(10))], 6)]
    assert [event["row_ids"] for event in events] == [
        {"requests": [["request", 0, 6]]},
        {"requests": [["request", 6, 4]]},
    ]
    size = base64.b64encode(np.array([0.1] * 4, "<f4").tobytes()).decode()
    assert events[1]["columns"] == {"size": {"float32": size}, "colour": ["green"] * 4}
    assert set(events[1]["scores"]["no"]) == {"float32"}
    assert events[1]["timestamps"] == {"runs": [["2013-03-01T12:00:00.250000+00:00", 4]]}
    assert (events[1]["seconds"], events[1]["errors"]) == ({"runs": [[0.002, 4]]}, {"runs": [[None, 4]]})


def test_requests_without_ids_share_one() -> None:
    """Then an event tells the id once, a time once for all that were answered together, and seconds by their bytes."""
    logged: list[Logged] = [
        (Rows(np.array([[row, 1]], dtype=np.float32), None, UNTOLD), halves(1), {}, row / 64, None) for row in range(9)
    ]
    name, ids = bytes(range(16)), NewIds()
    ids._ids = [name]
    times = iter((AT, AT + 1))
    packer = Packer(ids, 1, lambda: int(next(times) * 1e6) * 1000)
    (first,), (second,) = together(packer, *logged[:5]), together(packer, *logged[5:])
    (record, _, form, opening), (more, _, same, _) = first, second
    assert form == same != b""
    assert opening is not None
    records = unpack([opening() + record + more], len(SCHEMA.features), len(SCHEMA.labels))
    events = events_of(SCHEMA, records, 6)
    told = [json.loads(event.event.data) for event in events]
    row_ids = [f"00010203-0405-0607-0809-0a0b0c0d0e0f/{row}" for row in range(9)]
    assert [row for event in events for row in payload(event).row_ids] == row_ids
    assert [event["row_ids"]["requests"][0][1:] for event in told] == [[0, 6], [6, 3]]
    texts = [f"2013-03-01T12:00:0{second}.250000+00:00" for second in (0, 1)]
    assert [event["timestamps"] for event in told] == [
        {"runs": [[texts[0], 5], [texts[1], 1]]},
        {"runs": [[texts[1], 3]]},
    ]
    assert [set(event["seconds"]) for event in told] == [{"float64"}] * 2
    assert [each for event in events for each in payload(event).seconds] == [row / 64 for row in range(9)]
    assert [each for event in events for each in payload(event).columns["size"]] == list(range(9))


def test_many_requests_at_once() -> None:
    """More than are packed by one call: their records are one, with every row in its place."""
    logged: list[Logged] = [
        (Rows(np.array([[row, 1]], dtype=np.float32), None, UNTOLD), halves(1), {}, row, None) for row in range(150)
    ]
    kept = together(Packer(NewIds(), 1), *logged)
    assert [rows for _, rows, *_ in kept] == [64, 64, 22]
    assert len({form for _, _, form, _ in kept}) == 1
    opening = kept[0][3]
    assert opening is not None
    (record,) = unpack([opening() + b"".join(record for record, *_ in kept)], len(SCHEMA.features), len(SCHEMA.labels))
    assert record.matrix is not None
    assert record.matrix[:, 0].tolist() == record.seconds.tolist() == list(range(150))


def test_who_answered_what_and_when() -> None:
    """Loop, version, revision, scores, seconds and errors of each row; ids and times made where none came."""
    told = Identity(["x"], ["2013-03-01T11:00:00+00:00"])
    own = Rows(np.zeros((1, 2), dtype=np.float32), None, told)
    found = only(stored(rows_of(None, 2), np.array([[0.25, 0.75], [1, 0]], dtype=np.float32)), stored(own, halves(1)))
    assert (found.loop, found.model_version, found.revision) == ("flights", "7", "flights-00001")
    assert found.row_ids == ("request/0", "request/1", "x")
    times = ["2013-03-01T12:00:00.250000+00:00"] * 2 + ["2013-03-01T11:00:00+00:00"]
    assert [time.isoformat() for time in found.timestamps] == times
    assert found.scores == {"no": (0.25, 1, 0.5), "yes": (0.75, 0, 0.5)}
    assert (found.seconds, found.errors) == ((0.002,) * 3, (None,) * 3)


def test_rows_for_which_the_model_failed() -> None:
    """They have their columns and an error, and no score; a model that answers NaN failed, too."""
    broken = np.array([[0.5, 0.5], [np.nan, 0.5]], dtype=np.float32)
    found = only(stored(rows_of(None, 1), None, "ValueError: " + "x" * 2000), stored(rows_of(None, 2), broken))
    assert found.scores == {"no": (None, 0.5, None), "yes": (None, 0.5, None)}
    assert found.errors == (("ValueError: " + "x" * 2000)[:1024], None, "The model's probability is not a number.")
    assert found.columns["size"] == (0, 0, 1)


def test_long_text_is_cut() -> None:
    """A category that is longer than an event may tell is shortened."""
    rows = Rows(np.zeros((1, 2), dtype=np.float32), [[1], ["x" * 5000]], Identity())
    assert only(stored(rows, halves(1))).columns["colour"] == ("x" * 1024,)


def test_events_are_within_their_bounds() -> None:
    """Rows too many for one event come in several, whole and in order, none too large or empty."""
    count = 3000
    rows = rows_of(None, count, row_ids=[f"{row:01000d}" for row in range(count)])
    events = events_of(SCHEMA, [stored(rows, halves(count))], 10_000)
    assert max(len(event.event.data) for event in events) <= MAX_EVENT_BYTES
    assert [row for event in events for row in payload(event).row_ids] == rows.identity.row_ids
    assert len(events) == 4


def test_a_row_larger_than_any_event() -> None:
    """It is counted as rejected; its neighbours are sent."""
    features = tuple(Feature(name=f"f{number}", categories=("a",)) for number in range(2000))
    schema = SCHEMA.model_copy(update={"features": features})
    columns = [["x" * 1024, "a"] for _ in features]
    before = metric("predictor_payload_rows_rejected_total")
    rows = Rows(np.zeros((2, 2000), dtype=np.float32), columns, Identity())
    records = unpack([packed(rows, "r", halves(2))], 2000, 2)
    assert [payload(event).row_ids for event in events_of(schema, records, 500)] == [("r/1",)]
    assert metric("predictor_payload_rows_rejected_total") == before + 1


def test_the_same_rows_have_the_same_id() -> None:
    """So that an event that is sent twice is one, and any other row makes another."""
    twice = [events_of(SCHEMA, [stored(rows_of(None), halves(1))], 500)[0].event["id"] for _ in range(2)]
    other = events_of(SCHEMA, [stored(rows_of(None, 2), halves(2))], 500)[0].event["id"]
    assert twice[0] == twice[1] != other
    parts = [events_of(SCHEMA, [stored(rows_of(None, 9), halves(9))], 4) for _ in range(2)]
    first, again = ([part.event["id"] for part in whole] for whole in parts)
    assert first == again
    assert len(set(first)) == 3


VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_infinity=False)
TEXTS = st.none() | st.text(max_size=5) | st.binary(max_size=5)
ROW = st.tuples(VALUES, TEXTS, st.floats(0, 1, width=32), st.text(min_size=1, max_size=5))


@given(rows=st.lists(ROW, min_size=1, max_size=20), most=st.integers(1, 20))
@settings(deadline=None)
def test_any_row_makes_a_valid_event(rows: list[tuple[Any, Any, float, str]], most: int) -> None:
    """Whatever a request may hold, its events are valid and lose no row."""
    sizes, colours, scores, ids = (list(column) for column in zip(*rows, strict=True))
    sent = Rows(np.zeros((len(rows), 2), dtype=np.float32), [sizes, colours], Identity(ids))
    answers = np.array([[score, 1 - score] for score in scores], dtype=np.float32)
    found = [payload(event) for event in events_of(SCHEMA, [stored(sent, answers)], most)]
    assert [row for data in found for row in data.row_ids] == ids
    assert max(len(data.row_ids) for data in found) <= most


REQUEST = st.fixed_dictionaries(
    {
        "request_id": st.sampled_from(["a", "b", 'say "x"', "\\", "\u00e9", "\x7f", "10", "a" * 1000]) | st.just(None),
        "count": st.integers(1, 3) | st.sampled_from([9, 20]),
        "is_matrix": st.booleans(),
        "has_ids": st.booleans(),
        "has_times": st.booleans(),
        "error": st.sampled_from([None, None, None, "ValueError: x"]),
    }
)


@given(requests=st.lists(REQUEST, min_size=1, max_size=12), most=st.integers(1, 30))
@settings(deadline=None)
def test_requests_of_any_kinds_side_by_side(requests: list[dict[str, Any]], most: int) -> None:
    """Every row keeps its id, time, features, scores and error, whatever came before and behind it."""
    usual = [request for request in requests if _is_usual(request)]
    usual = [request for request in usual if request["count"] == usual[0]["count"]]
    others = [request for request in requests if request not in usual]
    ids = NewIds()
    ids._ids = made = ids.take(len(others) + 1)
    shared, *names = [str(uuid.UUID(bytes=each)) for each in made]
    sent = {id(request): float(number) for number, request in enumerate(requests)}
    packer = Packer(ids, 1, lambda: int(AT * 1e6) * 1000)
    kept = together(packer, *(_logged(sent[id(request)], "", **request)[0] for request in requests))
    expected: list[tuple[object, ...]] = []
    for request in usual:
        rows = _logged(sent[id(request)], "", **request)[1]
        expected += [(f"{shared}/{len(expected) + place}", *told) for place, (_, *told) in enumerate(rows)]
    for request, made_name in zip(others, names, strict=True):
        expected += _logged(sent[id(request)], request["request_id"] or made_name, **request)[1]
    whole = [record if opening is None else opening() + record for record, _, _, opening in kept]
    assert [rows_in(each, len(SCHEMA.features), len(SCHEMA.labels)) for each in whole] == [rows for _, rows, *_ in kept]
    records = unpack(whole, len(SCHEMA.features), len(SCHEMA.labels))
    found = [payload(event) for event in events_of(SCHEMA, records, most)]
    rows = [
        (row_id, time.isoformat(), size, colour, no, error)
        for data in found
        for row_id, time, size, colour, no, error in zip(
            *(data.row_ids, data.timestamps, data.columns["size"], data.columns["colour"], data.scores["no"]),
            data.errors,
            strict=True,
        )
    ]
    assert rows == expected


def _is_usual(request: dict[str, Any]) -> bool:
    """Whether nothing is told of it, so that it shares its id."""
    told = (request["request_id"], request["error"], request["has_ids"] or None, request["has_times"] or None)
    return bool(request["is_matrix"]) and told == (None,) * 4


def _logged(
    size: float,
    name: str,
    *,
    request_id: str | None,
    count: int,
    is_matrix: bool,
    has_ids: bool,
    has_times: bool,
    error: str | None,
) -> tuple[Logged, list[tuple[object, ...]]]:
    """A request of so many green rows of a size, and what is to be told of each of them."""
    row_ids = [f"{size}-{row}" for row in range(count)] if has_ids else None
    times = ["2013-03-01T11:00:00+00:00"] * count if has_times else None
    columns: list[list[Any]] = [[size] * count, ["green"] * count]
    matrix = np.array([[size, 1]] * count, dtype=np.float32)
    identity = Identity(row_ids, times) if row_ids or times else UNTOLD
    rows = Rows(matrix, None if is_matrix else columns, identity, request_id)
    time = "2013-03-01T11:00:00+00:00" if has_times else "2013-03-01T12:00:00.250000+00:00"
    ids = row_ids or [f"{name}/{row}" for row in range(count)]
    one: Logged = rows, None if error else halves(count), {}, 0.002, error
    return one, [(row_id, time, size, "green", None if error else 0.5, error) for row_id in ids]


def test_the_id_of_a_request() -> None:
    """The body's, else the header's, else a new uuid4; one too long is told by its digest."""
    assert request_id("body", {"x-request-id": "header"}) == "body"
    assert request_id(None, {"x-request-id": "header"}) == "header"
    assert request_id(None, {}) is request_id("", {}) is None
    ids = NewIds()
    made = [uuid.UUID(bytes=each) for count in range(50) for each in ids.take(count)]
    assert {(each.version, each.variant) for each in made} == {(4, uuid.RFC_4122)}
    assert len(set(made)) == len(made) == 1225
    assert request_id("x" * 1000, {}) == "x" * 1000
    assert len(request_id("x" * 1001, {}) or "") == 64


def test_samples_hold_each_other() -> None:
    """A request that is in a sample is in every larger one."""
    names = [str(number) for number in range(500)]
    small, large = ({name for name in names if is_sampled(name, share)} for share in (0.1, 0.5))
    assert small < large
    assert all(is_sampled(name, 1) for name in names)


def test_a_model_whose_rows_no_event_can_carry() -> None:
    """It is refused before it serves, and told how to serve it all the same."""
    own = plane()
    card = own.card.model_copy(update={"features": tuple(Feature(name=f"f{number}") for number in range(2001))})
    with pytest.raises(ConfigError, match=r"columns: .*2000.* --payload-share 0"):
        Schema.of(DataPlane("flights", "7", card, own.classifier, 10), "r")
    regression = own.card.model_copy(update={"task": "regression", "labels": ()})
    with pytest.raises(ConfigError, match="its values are no probabilities"):
        Schema.of(DataPlane("flights", "7", regression, own.classifier, 10), "r")
