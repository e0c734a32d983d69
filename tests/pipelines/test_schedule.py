"""Recurring runs through kfp.Client, against as much of the API as they need; pocket's own API refuses them."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from contracts.errors import ConfigError
from contracts.loop import LoopSpec
from contracts.settings import Settings
from pipelines import schedule
from pipelines.compile import LOOPS
from pipelines.submit import under_way
from pocket.kfp_api.wish import pipeline_of
from tests.pocket.kfp_api.pipelines_api import running

SPEC = LoopSpec.load(LOOPS / "flights.toml")


@dataclass
class Backend:
    """What was made, and by whom."""

    address: str = ""
    made: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)

    def answer(self, method: str, path: str, query: str, body: Any) -> dict[str, Any]:
        """As the real one, of what is asked here."""
        _, place = path.split("/apis/v2beta1/")
        collection, _, key = place.partition("/")
        if collection == "healthz":
            return {"multi_user": False}
        if collection == "experiments":
            found = {"experiment_id": "e1", "display_name": "flights"}
            return found if method == "POST" or key else {"experiments": [found]}
        if collection == "runs":
            return {"runs": []}
        if method == "DELETE":
            self.made = [one for one in self.made if one["recurring_run_id"] != key]
            return {}
        if method == "POST":
            made = {
                **body,
                "recurring_run_id": str(uuid.uuid4()),
                "status": "ENABLED",
                "created_at": "2026-01-02T03:04:05Z",
            }
            self.made.append(made)
            return made
        (wanted,) = json.loads(parse_qs(query)["filter"][0])["predicates"]
        name = wanted["stringValue"]
        return {"recurringRuns": [one for one in reversed(self.made) if one["display_name"] == name]}


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A server of recurring runs."""
    found = Backend()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers["content-length"] or 0)
            parts, body = urlsplit(self.path), json.loads(self.rfile.read(length) or "null")
            found.tokens.add(self.headers["authorization"])
            text = json.dumps(found.answer(self.command, parts.path, parts.query, body)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - so named there

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so named there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_schedule_is_made_replaced_and_taken_away(backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    """One a loop: the pipeline inline, no catching up, none beside another; nothing on stdout."""
    settings = Settings.from_env({"KF_PIPELINES_ENDPOINT": backend.address, "DRIFTLOOP_CODE_VERSION": "abc"})
    assert schedule.find(settings, "flights") == []
    made = schedule.create(settings, SPEC, "0 0 4 * * *", "canary")
    (kept,) = backend.made
    assert (kept["display_name"], kept["experiment_id"], kept["mode"]) == ("flights-scheduled", "e1", "ENABLE")
    assert (kept["no_catchup"], kept["max_concurrency"]) == (True, 1)
    assert kept["trigger"] == {"cron_schedule": {"cron": "0 0 4 * * *"}}
    parameters = kept["runtime_config"]["parameters"]
    assert (LoopSpec.from_json(parameters["spec"]), parameters["code_version"]) == (SPEC, "abc")
    assert pipeline_of(kept["pipeline_spec"])["pipelineInfo"]["name"] == "scheduled"
    assert schedule.find(settings, "flights") == [made]
    schedule.create(settings, SPEC, "0 30 5 * * 1", "none")
    assert [one.cron for one in schedule.find(settings, "flights")] == ["0 30 5 * * 1"]
    assert schedule.find(settings, "trips") == []
    assert schedule.delete(settings, "flights") == 1
    assert backend.made == []
    assert schedule.delete(settings, "flights") == 0
    assert capsys.readouterr().out == ""


def test_a_cluster_knows_who_asks(backend: Backend, tmp_path: Path) -> None:
    """By the service account's token, read from its file; a file that is not there is told of."""
    token = tmp_path / "token"
    token.write_text("who-I-am")
    env = {"KF_PIPELINES_ENDPOINT": backend.address, "KF_PIPELINES_SA_TOKEN_PATH": str(token)}
    settings = Settings.from_env(env)
    assert under_way(settings, "flights") is None
    assert backend.tokens == {"Bearer who-I-am"}
    with pytest.raises(ConfigError, match=r"KF_PIPELINES_SA_TOKEN_PATH is .*absent, which is no file"):
        under_way(replace(settings, kfp_token=tmp_path / "absent"), "flights")


@pytest.mark.parametrize("cron", ["", "0 4 * * *", "daily"])
def test_a_cron_that_is_none(cron: str) -> None:
    """Told before anybody is asked: five fields would be taken for others."""
    with pytest.raises(ConfigError, match=f"--cron is {cron!r}".replace("*", r"\*")):
        schedule.create(Settings.from_env({}), SPEC, cron, "canary")


def test_pocket_says_that_it_has_none(tmp_path: Path) -> None:
    """Its API refuses, and so does the command: nothing waits for a run that never comes."""
    with running(tmp_path / "home") as api:
        settings = Settings.from_env({"KF_PIPELINES_ENDPOINT": api.address})
        with pytest.raises(ConfigError, match="recurringruns is not served here"):
            schedule.create(settings, SPEC, "0 0 4 * * *", "canary")
