"""Events of KServe's own payload logger."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eventlog_parts import Place, serving

from contracts.cloudevent import CloudEvent

V2_REQUEST = {
    "inputs": [
        {"name": "distance", "shape": [2, 1], "datatype": "FP64", "data": [1.5, 2.5]},
        {"name": "codes", "shape": [2, 2], "datatype": "INT64", "data": [[1, 2], [3, 4]]},
    ]
}
V2_RESPONSE = {
    "model_name": "trips",
    "model_version": "7",
    "outputs": [{"name": "probabilities", "shape": [2, 2], "datatype": "FP32", "data": [0.25, 0.75, 0.5, 0.5]}],
}


def half(kind: str, body: Any, identity: str = "r1", **more: str) -> CloudEvent:
    """An event as the logger sends it."""
    attributes = {"id": identity, "source": "http://localhost:9081/", "type": f"org.kubeflow.serving.inference.{kind}"}
    extensions = {"inferenceservicename": "trips", "namespace": "driftloop", "component": "predictor", **more}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return CloudEvent({**attributes, **extensions}, data, "application/json")


@pytest.mark.parametrize("order", [1, -1])
def test_a_request_and_its_answer_make_rows(place: Place, order: int) -> None:
    """Whichever comes first, in different processes, and again."""
    halves = [half("request", V2_REQUEST), half("response", V2_RESPONSE)][::order]
    for each in halves:
        with serving(place, None) as eventlog:
            assert [eventlog.post(each)[0] for _ in range(2)] == [202, 202]

    rows = place.log.rows("7").to_pydict()
    assert rows["row_id"] == ["r1/0", "r1/1"]
    assert rows["score"] == [0.75, 0.5]
    assert (rows["distance"], rows["codes.0"], rows["codes.1"]) == ([1.5, 2.5], [1, 3], [2, 4])


def test_v1_bodies(place: Place) -> None:
    """The version is not known; a whole number is a class, not a score."""
    instances = [[5.1, 3.5], [4.9, 3.0]]
    with serving(place, None) as eventlog:
        for identity, predictions in {"a": [0.25, 0.5], "b": [0, 1]}.items():
            eventlog.post(half("request", {"instances": instances}, identity))
            eventlog.post(half("response", {"predictions": predictions}, identity))

    rows = place.log.rows("unknown").sort_by("row_id").to_pydict()
    assert rows["row_id"] == ["a/0", "a/1", "b/0", "b/1"]
    assert rows["score"] == [0.25, 0.5, None, None]
    assert rows["instances.1"] == [3.5, 3.0] * 2


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x01",
        [],
        {"inputs": [{"name": "x"}]},
        {"inputs": [{"name": "x", "shape": [3], "data": [1]}]},
        {"inputs": 5},
        {"instances": [[1], [2, 3]]},
        {"instances": [[[1]], [[2]]]},
        {"inputs": []},
        {"inputs": [{"name": "x", "shape": [0], "data": []}]},
        {"inputs": [{"name": "row_id", "shape": [1], "data": [7]}]},
        {"inputs": [{"name": "event_timestamp", "shape": [1], "data": ["yesterday"]}]},
    ],
)
def test_what_makes_no_rows_is_kept_as_it_is(place: Place, body: Any) -> None:
    """Both halves, and the answer is that it was taken."""
    request = half("request", body)
    if isinstance(body, bytes):
        request = CloudEvent(request.attributes, body, "application/octet-stream")
    with serving(place, None) as eventlog:
        assert eventlog.post(half("response", V2_RESPONSE))[0] == 202
        status, words = eventlog.post(request)
        assert status == 202, words
    kept = [uri.rpartition("-")[2] for uri in place.store.names(f"{place.log.root}/raw/")]
    assert kept == ["request.json", "response.json"]
    assert place.log.versions() == []


def test_a_service_that_is_no_loop_is_refused(place: Place) -> None:
    """Its name would be a folder."""
    with serving(place, None) as eventlog:
        assert eventlog.post(half("request", V2_REQUEST, inferenceservicename="../x"))[0] == 422
