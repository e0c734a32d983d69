"""What the tests of payload logging share: a sink that keeps what it takes, and a payload log in this process."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from contracts.cloudevent import CloudEvent, decode
from contracts.events import Payload, from_event
from contracts.model import Feature, ModelCard
from feature_store.matrix import Matrix
from serving.predictor.classifier import ServedClassifier
from serving.predictor.dataplane import DataPlane
from serving.predictor.payload.log import PayloadLog, opened
from serving.predictor.payload.options import PayloadOptions
from serving.predictor.payload.packing import Packer
from serving.predictor.payload.request_id import NewIds
from serving.predictor.payload.usual import Logged, Packed
from serving.predictor.registry import REGISTRY
from serving.predictor.rows import Identity, Rows

FEATURES = (Feature(name="size"), Feature(name="colour", categories=("red", "green")))
LABELS = ("no", "yes")
AT = 1_362_139_200.25


class PayloadSink:
    """An HTTP server that keeps the payloads it answers with 202. Each is checked against the event's model."""

    def __init__(self, port: int = 0, status: Callable[[int], int] = lambda _: 202) -> None:
        """`status` gives the answer to the POST of a number, which starts at 0."""
        self.events: list[CloudEvent] = []
        self.payloads: list[Payload] = []
        self.posts = 0
        outer, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = decode({name.lower(): value for name, value in self.headers.items()}, body)
                payload = from_event(event)
                assert isinstance(payload, Payload)
                with lock:
                    answer = status(outer.posts)
                    outer.posts += 1
                    if answer < 300:
                        outer.events.append(event)
                        outer.payloads.append(payload)
                self.send_response(answer)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: the test tells."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/driftloop/driftloop"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def row_ids(self) -> list[str]:
        """Ids of all rows, in the order in which they came."""
        return [row for payload in tuple(self.payloads) for row in payload.row_ids]

    def row(self, row_id: str) -> dict[str, Any]:
        """The newest row of an id: every field of it, and its columns and scores by name."""
        payload = next(payload for payload in reversed(self.payloads) if row_id in payload.row_ids)
        at = payload.row_ids.index(row_id)
        own = {"timestamp": payload.timestamps[at], "seconds": payload.seconds[at], "error": payload.errors[at]}
        named = {**payload.columns, **payload.scores}
        return {**own, **{name: values[at] for name, values in named.items()}}

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def sinking(port: int = 0, status: Callable[[int], int] = lambda _: 202) -> Iterator[PayloadSink]:
    """A sink for a while."""
    sink = PayloadSink(port, status)
    try:
        yield sink
    finally:
        sink.close()


def wait_until(happened: Callable[[], object]) -> None:
    """Poll a condition; the test's own time limit ends a wait in vain."""
    while not happened():
        time.sleep(0.01)


def plane() -> DataPlane:
    """A data plane whose model is never asked."""
    card = ModelCard(
        loop="flights", kind="test", format="xgboost-ubj", model_file="m", features=FEATURES, labels=LABELS, files={}
    )
    return DataPlane("flights", "7", card, ServedClassifier(Half(), accepts_missing=True), max_rows=1000)


class Half:
    """A model without an opinion."""

    def probabilities(self, matrix: Matrix) -> Matrix:
        """See Classifier."""
        return halves(len(matrix))


def halves(rows: int) -> Matrix:
    """Probabilities of so many rows."""
    return np.full((rows, len(LABELS)), 0.5, dtype=np.float32)


@contextmanager
def logging_to(sink: str, spool: Path, **options: Any) -> Iterator[PayloadLog]:
    """A payload log with its thread, as a predictor has it."""
    given: dict[str, Any] = {
        "payload_rows": 500,
        "payload_delay_ms": 20,
        "payload_share": 1.0,
        "payload_spool_bytes": 2**22,
        "payload_flush_seconds": 20,
        **options,
    }
    with opened(plane(), PayloadOptions(sink, "flights-00001", spool, **given)) as log:
        assert log is not None
        yield log


def rows_of(request: str | None, count: int = 1, **identity: Any) -> Rows:
    """Rows of a request: size 0, 1, …, all green."""
    sizes = [float(row) for row in range(count)]
    matrix = np.array([[size, 1] for size in sizes], dtype=np.float32)
    return Rows(matrix, [sizes, ["green"] * count], Identity(**identity), request)


def answer(log: PayloadLog, *requests: str, count: int = 1) -> None:
    """Log requests of so many rows each, as if they were answered."""
    for request in requests:
        log.add(rows_of(request, count), halves(count), {}, 0.001, None)
        log.commit()


def packed(rows: Rows, name: str, scores: Matrix | None, error: str | None = None) -> bytes:
    """The record of one request of that id."""
    named = rows._replace(request_id=name)
    ((record, *_),) = together(Packer(NewIds(), 1, lambda: int(AT * 1e6) * 1000), (named, scores, {}, 0.002, error))
    return record


def together(packer: Packer, *logged: Logged) -> list[Packed]:
    """The records of requests that are answered at one time."""
    for each in logged:
        packer.add(*each)
    return packer.packed()


def metric(name: str, **labels: str) -> float:
    """The value of a metric of this process."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def duplicates(sink: PayloadSink) -> list[str]:
    """Ids of rows that came more than once."""
    return [row for row, count in Counter(sink.row_ids).items() if count > 1]
