"""Payload logging of a real predictor process: what its clients send and get is what the sink is told."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest
from payload_parts import PayloadSink, duplicates, logging_to, plane, sinking, wait_until
from predictor_process import Bundle, Server, running

from contracts.errors import ConfigError
from feature_store.matrix import Matrix
from pocket import state
from serving.errors import InvalidRequestError
from serving.predictor.classifier import ServedClassifier
from serving.predictor.dataplane import DataPlane
from serving.predictor.inference import Inference
from serving.predictor.options import Options
from serving.predictor.protocols.v1 import V1Exchange

INFER = "/v2/models/flights/infer"
PREDICT = "/v1/models/flights:predict"
ROW = {"distance": 800.5, "hour": 20, "carrier": "UA", "holiday": False}
NOON = "2013-03-01T12:00:00Z"


@pytest.fixture(scope="module")
def sink() -> Iterator[PayloadSink]:
    """A sink for the module's predictor."""
    with sinking() as sink:
        yield sink


@pytest.fixture(scope="module")
def server(flights: Bundle, sink: PayloadSink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A predictor that logs to the sink, set up by nothing but its environment."""
    spool = tmp_path_factory.mktemp("spool")
    log = tmp_path_factory.mktemp("log") / "server.log"
    with running(flights.folder, log, "--model-version", "7", env=_env(sink.url, spool)) as server:
        yield server
    assert server.process.returncode == 0
    assert list(spool.iterdir()) == []
    assert "Traceback" not in server.log.read_text()


def test_v1(server: Server, sink: PayloadSink) -> None:
    """The row as it was sent, its id and time, the probabilities of the answer, version and revision."""
    answer = server.post(PREDICT, {"instances": [{**ROW, "row_id": "v1", "event_timestamp": NOON}]})
    (prediction,) = json.loads(answer[1])["predictions"]
    wait_until(lambda: "v1" in sink.row_ids)
    row = sink.row("v1")
    assert 0 < row.pop("seconds") < 30
    assert row.pop("timestamp").isoformat() == "2013-03-01T12:00:00+00:00"
    for label, score in prediction["probabilities"].items():
        assert row.pop(label) == pytest.approx(score, rel=1e-7)
    assert row == {**ROW, "error": None}
    assert {(payload.model_version, payload.revision) for payload in sink.payloads} == {("7", "flights-00001")}


def test_v2_matrix(server: Server, sink: PayloadSink) -> None:
    """A matrix is told as columns; without a row_id the id comes from the request's."""
    matrix = {"name": "m", "shape": [2, 4], "datatype": "FP32", "data": [1, 2, 0, 0, None, 3, None, 1]}
    assert server.post(INFER, {"id": "v2", "inputs": [matrix]})[0] == 200
    assert server.post(INFER, {"inputs": [matrix]}, {"X-Request-Id": "header"})[0] == 200
    wait_until(lambda: {"v2/0", "v2/1", "header/0", "header/1"} <= set(sink.row_ids))
    assert sink.row("v2/0").items() >= {"distance": 1, "hour": 2, "carrier": "AA", "holiday": 0}.items()
    assert sink.row("header/1").items() >= {"distance": None, "hour": 3, "carrier": None, "holiday": 1}.items()


def test_grpc_by_kserves_client(server: Server, sink: PayloadSink) -> None:
    """kserve's client over gRPC, with a row_id and without."""
    inputs = [InferInput(name, [1], kind, [ROW[name]]) for name, kind in _datatypes(server).items()]
    identity = InferInput("row_id", [1], "BYTES", ["grpc"])

    async def ask() -> None:
        async with InferenceGRPCClient(server.grpc_address) as client:
            await client.infer(InferRequest("flights", [*inputs, identity]))
            await client.infer(InferRequest("flights", inputs), headers=[("x-request-id", "metadata")])

    asyncio.run(ask())
    wait_until(lambda: {"grpc", "metadata/0"} <= set(sink.row_ids))
    for row in ("grpc", "metadata/0"):
        assert sink.row(row).items() >= {**ROW, "error": None}.items()


def test_a_refused_request_is_no_row(server: Server, sink: PayloadSink) -> None:
    """What is answered with 400 is not logged; a wrong identity is answered so and named."""
    before = len(sink.row_ids)
    for wrong in ({**ROW, "row_id": 7}, {**ROW, "event_timestamp": "noon"}, {**ROW, "hour": "late"}):
        status, body, _ = server.post(PREDICT, {"instances": [wrong]})
        assert (status, "expected" in json.loads(body)["error"]) == (400, True)
    server.post(PREDICT, {"instances": [{**ROW, "row_id": "after"}]})
    wait_until(lambda: "after" in sink.row_ids)
    assert len(sink.row_ids) == before + 1


def test_metrics(server: Server, sink: PayloadSink) -> None:
    """/metrics has every counter; what is spooled is sent in the end."""
    server.post(PREDICT, {"instances": [ROW] * 300})
    wait_until(lambda: _metric(server, "rows_spooled_total") == _metric(server, "rows_sent_total") >= 300)
    for name in ("rows_rejected_total", "records_damaged_total", "retries_total"):
        assert _metric(server, name) == 0
    assert _metric(server, "spool_bytes") > 0


def test_a_killed_predictor_loses_nothing_it_answered(flights: Bundle, tmp_path: Path) -> None:
    """One process is killed while requests come, the next is asked to end: by a real Broker, every row is stored."""
    spool, answered = tmp_path / "spool", list[str]()
    with sinking() as sink, _broker(tmp_path, sink.url) as address:
        for life, delay in enumerate(("50", "3600000")):
            env = {**_env(address, spool), "DRIFTLOOP_PAYLOAD_DELAY_MS": delay, "DRIFTLOOP_PAYLOAD_ROWS": "20"}
            with running(flights.folder, tmp_path / f"{life}.log", env=env) as server:
                wanted = len(answered) + 150
                clients = [_Client(server, f"{life}-{client}", answered) for client in range(3)]
                wait_until(lambda wanted=wanted: len(answered) >= wanted)
                if life == 0:
                    os.kill(server.process.pid, signal.SIGKILL)
                    server.process.wait(30)
                for client in clients:
                    client.end()
        wait_until(lambda: set(answered) <= set(sink.row_ids))
        assert server.process.returncode == 0
    assert list(spool.iterdir()) == []
    assert len(answered) >= 300
    repeated = set(duplicates(sink))  # at least once: only what was under way when a process was killed
    assert len(repeated) < 100


def test_a_row_for_which_the_model_fails(tmp_path: Path) -> None:
    """It is logged with its error, and the client gets the error; a row the model refuses is not logged."""
    own = plane()
    with sinking() as sink, logging_to(sink.url, tmp_path) as log:
        inference = Inference(DataPlane(own.name, "7", own.card, ServedClassifier(Moody(), True), 10), log)
        for size, error in ((1, ValueError), (2, InvalidRequestError)):
            body = orjson.dumps({"instances": [{"size": size, "colour": "red", "row_id": str(size)}]})
            with pytest.raises(error):
                inference.answer(V1Exchange(body), {})
    assert sink.row_ids == ["1"]
    assert sink.row("1").items() >= {"size": 1, "no": None, "yes": None, "error": "ValueError: out of tune"}.items()


class Moody:
    """A model that fails for some rows and refuses the others."""

    def probabilities(self, matrix: Matrix) -> Matrix:
        """See Classifier."""
        if matrix[0, 0] == 1:
            raise ValueError("out of tune\nsecond line")
        raise InvalidRequestError("no such row")


def test_options() -> None:
    """Arguments win over variables, variables over defaults; a value out of bounds is named."""
    arguments = ["--name", "flights", "--model-dir", "/mnt/models"]
    plain = Options.parse(arguments, {}).payload
    assert (plain.enabled, plain.revision) == (False, "local")
    env = {"K_SINK": "http://broker/a/b", "K_REVISION": "r", "DRIFTLOOP_PAYLOAD_ROWS": "9", "DRIFTLOOP_SPOOL": "/spool"}
    given = Options.parse([*arguments, "--payload-delay-ms", "7"], env).payload
    assert (given.enabled, given.sink, given.revision) == (True, "http://broker/a/b", "r")
    assert (given.payload_rows, given.payload_delay_ms, str(given.payload_spool)) == (9, 7, "/spool")
    assert plain.payload_spool != Options.parse(arguments, {"K_SINK": "http://broker/a/b"}).payload.payload_spool
    for option, value in (("share", "1.5"), ("share", "nan"), ("rows", "0"), ("rows", "10001"), ("spool-bytes", "9")):
        with pytest.raises(ConfigError, match=f"--payload-{option} is"):
            Options.parse([*arguments, f"--payload-{option}", value], {})
    with pytest.raises(ConfigError, match="K_SINK is 'broker'"):
        Options.parse(arguments, {"K_SINK": "broker"})


class _Client:
    """Sends requests one after another, and notes the ids of the rows that were answered with 200."""

    def __init__(self, server: Server, name: str, answered: list[str]) -> None:
        self._server = server
        self._name = name
        self._answered = answered
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Send no more."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._ended.is_set():
            ids = [f"{self._name}-{number}-{row}" for row in range(2)]
            number += 1
            try:
                status, _, _ = self._server.post(PREDICT, {"instances": [{**ROW, "row_id": row} for row in ids]})
            except OSError:
                return  # the server was killed
            if status == 200:
                self._answered.extend(ids)


@contextmanager
def _broker(folder: Path, subscriber: str) -> Iterator[str]:
    """A real Broker with one subscriber; its address."""
    api, meta = "eventing.knative.dev/v1", {"name": "driftloop", "namespace": "driftloop"}
    spec = {"broker": "driftloop", "subscriber": {"uri": subscriber}, "delivery": {"retry": 10}}
    objects = [
        {"apiVersion": api, "kind": "Broker", "metadata": meta},
        {"apiVersion": api, "kind": "Trigger", "metadata": meta, "spec": spec},
    ]
    home, config, log = folder / "home", folder / "routes.json", folder / "broker.log"
    config.write_text(json.dumps(objects))
    line = [sys.executable, "-m", "pocket.broker", f"--home={home}", f"--config={config}"]
    with log.open("w") as stderr, subprocess.Popen(line, stderr=stderr) as keeper:
        try:
            wait_until(lambda: keeper.poll() is not None or "events are taken at" in log.read_text())
            record = state.read(home, "broker-ingress")
            assert record is not None, log.read_text()
            yield f"{record.address}/driftloop/driftloop"
        finally:
            keeper.terminate()
            assert keeper.wait(60) == 0


def _env(sink: str, spool: Path) -> dict[str, str]:
    return {**os.environ, "K_SINK": sink, "K_REVISION": "flights-00001", "DRIFTLOOP_SPOOL": str(spool)}


def _datatypes(server: Server) -> dict[str, str]:
    """What the metadata asks a client to send: the features, nothing else."""
    return {entry["name"]: entry["datatype"] for entry in json.loads(server.get("/v2/models/flights")[1])["inputs"]}


def _metric(server: Server, name: str) -> float:
    lines = server.get("/metrics")[1].decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"predictor_payload_{name} ")))
