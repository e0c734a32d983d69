"""What the server lists, and what it refuses, with which words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kfp_server_api import ApiException

from pipelines.compile import COMPILED
from pocket.kfp_api import runs
from pocket.kfp_api.api_error import ApiError
from pocket.kfp_api.documents import Documents
from pocket.kfp_api.listing import Listing
from pocket.kfp_api.wish import loop_of, pipeline_of
from tests.pocket.kfp_api.pipelines_api import Api

START = datetime(2013, 3, 1, tzinfo=UTC)
ARGUMENTS = {"spec": json.dumps({"name": "flights"}), "start": "2013-01-01", "end": "2013-03-01"}


@pytest.fixture
def documents(tmp_path: Path) -> Iterator[Documents]:
    """Five runs, an hour apart; the last but one has ended."""
    documents = Documents(tmp_path / "runs.db")
    for number, name in enumerate(("a", "b", "b", "c", "ab")):
        wish = {"display_name": name, "experiment_id": f"e{number % 2}"}
        run = runs.new_run(wish, START + timedelta(hours=number))
        if name == "c":
            runs.ask_to_end(run, START + timedelta(days=1))
        documents.add("runs", run["run_id"], run)
    yield documents
    documents.close()


@pytest.mark.parametrize(
    ("predicate", "names"),
    [
        ({"operation": 1, "key": "display_name", "stringValue": "b"}, "b b"),
        ({"operation": "EQUALS", "key": "name", "string_value": "c"}, "c"),
        ({"operation": "NOT_EQUALS", "key": "display_name", "string_value": "b"}, "a c ab"),
        ({"operation": "IS_SUBSTRING", "key": "display_name", "string_value": "a"}, "a ab"),
        ({"operation": 8, "key": "state", "stringValues": {"values": ["CANCELED", "FAILED"]}}, "c"),
        ({"operation": 5, "key": "created_at", "timestampValue": "2013-03-01T04:00:00+01:00"}, "c ab"),
        ({"operation": 6, "key": "created_at", "timestamp_value": "2013-03-01T01:00:00Z"}, "a"),
    ],
)
def test_a_filter_is_read_as_clients_write_it(documents: Documents, predicate: dict[str, Any], names: str) -> None:
    """Operations by name or number, fields in either spelling, times in any zone."""
    listing = Listing.read("runs", {"filter": json.dumps({"predicates": [predicate]})})
    found, total, _ = documents.page(listing)
    assert " ".join(run["display_name"] for run in found) == names
    assert total == len(found)


@pytest.mark.parametrize("order", ["", "created_at desc", "display_name", "display_name desc", "finished_at"])
def test_pages_hold_every_run_once(documents: Documents, order: str) -> None:
    """Also if runs come in between: the token tells where the page ended."""
    whole = [run["run_id"] for run in documents.page(Listing.read("runs", {"sort_by": order}))[0]]
    query, paged = {"page_size": "2", "sort_by": order}, list[str]()
    while True:
        found, total, token = documents.page(Listing.read("runs", query))
        paged += [run["run_id"] for run in found]
        assert total == 5
        if not token:
            break
        query = {"page_size": "2", "page_token": token, "sort_by": ""}
    assert paged == whole
    assert len(set(paged)) == 5


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "{"},
        {"filter": "[1]"},
        {"filter": '{"predicates": [1]}'},
        {"filter": '{"predicates": [{"operation": 1, "key": "display_name"}]}'},
        {"filter": '{"predicates": [{"operation": 4, "key": "display_name", "stringValue": "a"}]}'},
        {"filter": '{"predicates": [{"operation": 1, "key": "body\') --", "stringValue": "a"}]}'},
        {"filter": '{"predicates": [{"operation": 1, "key": "created_at", "stringValue": "now"}]}'},
        {"filter": '{"predicates": [{"operation": 8, "key": "state", "stringValues": {"values": [1]}}]}'},
        {"sort_by": "body"},
        {"sort_by": "created_at sideways"},
        {"page_size": "-1"},
        {"page_token": "x"},
        {"page_token": "WzFd"},
    ],
)
def test_a_list_request_that_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    """Never with another error."""
    with pytest.raises(ApiError) as refused:
        Listing.read("runs", query)
    assert refused.value.http_status == 400


def test_a_client_finds_a_run_by_its_name(api: Api) -> None:
    """As a caller does that may have asked before. The compiled file arrives as it is, and takes its loop's turn."""
    blocker = api.submit("blocker", "sleep")
    arguments = {**ARGUMENTS, "holdout_end": "2013-03-15"}
    sent = api.client.create_run_from_pipeline_package(str(COMPILED), arguments, run_name="real", experiment_name="f")
    wanted = json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": "real"}]})
    (found,) = api.client.list_runs(filter=wanted).runs
    assert (found.run_id, found.state) == (sent.run_id, "PENDING")
    assert loop_of({"runtime_config": {"parameters": found.runtime_config.parameters}}) == "flights"
    assert set(pipeline_of(found.pipeline_spec)["root"]["inputDefinitions"]["parameters"]) == {
        *(*arguments, "code_version", "rollout", "refit", "data_version")
    }
    (mine,) = api.client.list_runs(experiment_id=found.experiment_id).runs
    assert mine.run_id == found.run_id
    assert "f" in [one.display_name for one in api.client.list_experiments(page_size=100).experiments]
    for run_id in (sent.run_id, blocker):
        api.client.terminate_run(run_id)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (ARGUMENTS, "'holdout_end' has no default value and was not given"),
        ({**ARGUMENTS, "holdout_end": "2013-03-15", "speed": 1}, "Unknown parameters ['speed']"),
        ({**ARGUMENTS, "holdout_end": 3}, "'holdout_end' must be of type STRING, not 3"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(api: Api, arguments: dict[str, Any], words: str) -> None:
    """With the name of the parameter."""
    with pytest.raises(ApiException) as refused:
        api.client.create_run_from_pipeline_package(str(COMPILED), arguments)
    assert refused.value.status == 400
    assert words in json.loads(refused.value.body)["message"]


def test_what_is_not_served_is_refused_with_words(api: Api) -> None:
    """404 and a google.rpc.Status, as clients expect them."""
    for call in (api.client.list_pipelines, api.client.list_recurring_runs):
        with pytest.raises(ApiException) as refused:
            call()
        assert refused.value.status == 404
        assert "runs and experiments only" in json.loads(refused.value.body)["message"]
    for method, path in (("GET", "/"), ("GET", "/apis/v1beta1/runs"), ("POST", "/apis/v2beta1/runs/x:retry")):
        status, answer = api.ask(method, path)
        assert (status, answer["code"]) == (404, 5)


def test_no_web_page_can_start_a_run(api: Api) -> None:
    """A form's content type and another host's name are refused."""
    path = "/apis/v2beta1/runs"
    for headers in ({"Content-Type": "text/plain"}, {"Host": "example.org"}):
        status, answer = api.ask("POST", path, {"display_name": "x"}, **headers)
        assert (status, answer["code"]) == (400, 3)
    for body in ({}, {"display_name": "x"}, {"display_name": "x", "pipeline_spec": {"root": 1}}, [1], "x"):
        assert api.ask("POST", path, body)[0] == 400
