"""The six types of events: what each takes and refuses, ids, schemas and their page."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts import events
from contracts.cloudevent import CloudEvent, decode
from contracts.errors import DataError

ROOT = Path(__file__).parents[2]
NOON = "2013-03-01T12:00:00Z"
EVIDENCE = {"feature": "temp", "test": "ks", "statistic": 0.4, "p_value": 0.001, "drifted": True}
EXAMPLES: dict[str, dict[str, Any]] = {
    "payload": {
        "loop": "flights",
        "model_version": "3",
        "revision": "flights-00003",
        "row_ids": ["a", "b"],
        "timestamps": [NOON, NOON],
        "columns": {"distance": [1400.0, None], "carrier": ["UA", "DL"]},
        "scores": {"late": [0.25, None]},
        "seconds": [0.002, 0.002],
        "errors": [None, "Feature 'hour' is missing."],
    },
    "label": {"loop": "flights", "row_ids": ["a", "b"], "labels": ["late", "on_time"], "event_times": [NOON, NOON]},
    "window": {
        "loop": "flights",
        "window": "3-000001",
        "uri": "s3://driftloop/windows/1.parquet",
        "reference_uri": "s3://driftloop/reference.parquet",
        "model_version": "3",
        "start": NOON,
        "end": "2013-03-02T12:00:00Z",
        "rows": 900,
    },
    "drift": {
        "loop": "flights",
        "window_id": "9f",
        "window": "3-000001",
        "model_version": "3",
        "start": NOON,
        "end": "2013-03-02T12:00:00Z",
        "rows": 900,
        "features": [EVIDENCE],
        "scores": [{**EVIDENCE, "feature": "late"}],
        "verdict": "drift",
    },
    "retrain": {
        "loop": "flights",
        "drift_id": "77",
        "episode": "3-000001",
        "at": NOON,
        "decision": "accepted",
        "reason": "scores drifted",
        "pipeline_run": "r",
    },
    "rollout": {
        "loop": "flights",
        "version": "4",
        "step_percent": 10,
        "verdict": "inconclusive",
        "decided_at": NOON,
        "evidence": {"rows": 0, "canary_error_share": None},
    },
}


def made(name: str, **changes: Any) -> events.EventData:
    """Data of a type, with changes to its example, as it is read from JSON."""
    kind = events.TYPES[f"dev.driftloop.{name}.v1"]
    return kind.model_validate_json(json.dumps({**EXAMPLES[name], **changes}))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_event_comes_back_as_it_was(name: str) -> None:
    """In both modes, with its type, and its loop to filter on."""
    data = made(name)
    event = events.to_event(data, "/driftloop/test", datetime(2013, 3, 1, tzinfo=UTC))
    assert (event["type"], event["loop"]) == (f"dev.driftloop.{name}.v1", "flights")
    for headers, body in (event.to_binary(), event.to_structured()):
        found = decode(headers, body)
        assert found.attributes == event.attributes
        assert events.from_event(found) == data


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_same_content_has_the_same_id(name: str) -> None:
    """The time of telling does not matter; source and content do."""
    early, late = (events.to_event(made(name), "/a", datetime(2013, month, 1, tzinfo=UTC)) for month in (1, 2))
    assert early["id"] == late["id"] == events.event_id("/a", made(name))
    assert early["id"] != events.event_id("/b", made(name))
    assert early["id"] != events.event_id("/a", made(name, loop="other"))


def test_an_id_is_the_same_in_another_process() -> None:
    """It does not hang on the seed of Python's hashes."""
    program = f"""
from contracts.events import Label, event_id
print(event_id("/a", Label.model_validate_json({json.dumps(json.dumps(EXAMPLES["label"]))})))"""
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.strip() == events.event_id("/a", made("label"))


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("payload", {"row_ids": []}, "row_ids"),
        ("payload", {"timestamps": [NOON]}, "'timestamps' has 1 entries for 2 row_ids"),
        ("payload", {"columns": {"distance": [1.0]}}, "'distance' has 1 entries"),
        ("payload", {"errors": [None, None]}, "row 'b' has neither a score nor an error"),
        ("payload", {"scores": {"late": [1.5, None]}}, "scores.late.0"),
        ("payload", {"timestamps": ["2013-03-01T12:00:00", NOON]}, "timestamps.0: .*timezone"),
        ("payload", {"row_ids": [str(number) for number in range(events.MAX_ROWS + 1)]}, "row_ids"),
        ("label", {"loop": "Flights!"}, "loop"),
        ("label", {"extra": 1}, "extra"),
        ("window", {"end": NOON}, "is not after the start"),
        ("window", {"uri": "windows/1.parquet"}, "uri"),
        ("window", {"rows": 0}, "rows"),
        ("drift", {"verdict": "maybe"}, "verdict"),
        ("drift", {"features": [{**EVIDENCE, "p_value": 2}]}, "features.0.p_value"),
        ("retrain", {"pipeline_run": None}, "names a run"),
        ("retrain", {"decision": "suppressed"}, "names a run"),
        ("rollout", {"step_percent": 101}, "step_percent"),
    ],
)
def test_bad_data_is_refused(name: str, changes: dict[str, Any], why: str) -> None:
    """The error names the event and the field."""
    body = json.dumps({**EXAMPLES[name], **changes}).encode()
    event = CloudEvent({"id": "x1", "source": "/a", "type": f"dev.driftloop.{name}.v1"}, body, "application/json")
    with pytest.raises(DataError, match=f"(?s)Event x1.*{why}"):
        events.from_event(event)


def test_a_type_nobody_knows_is_refused() -> None:
    """The error lists those that are known."""
    with pytest.raises(DataError, match=r"'other'.*dev\.driftloop\.payload\.v1"):
        events.from_event(CloudEvent({"id": "1", "source": "/a", "type": "other"}))


def test_a_time_without_a_zone_is_refused() -> None:
    """It would mean another instant on another machine."""
    with pytest.raises(DataError, match="no time zone"):
        events.to_event(made("label"), "/a", datetime(2013, 3, 1))  # noqa: DTZ001


def test_the_schemas_are_fresh() -> None:
    """Each file of contracts/schemas/ is what the models say; `python -m scripts.schemas` writes them."""
    folder = ROOT / "contracts" / "schemas"
    assert {path.name: json.loads(path.read_text()) for path in folder.iterdir()} == events.schemas()


def test_the_page_lists_every_type_and_its_example_runs() -> None:
    """docs/events.md is what a reader starts from."""
    page = ROOT / "docs" / "events.md"
    for kind in events.TYPES.values():
        assert f"`{kind.type()}`" in page.read_text()
        assert all(f"`{field}`" in page.read_text() for field in kind.model_fields)
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted
    assert not result.failed
