"""The predictor as a process: its options, its ports, its log, its end."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import psutil
import pytest
from predictor_process import Bundle, Server, command, free_port

from contracts.errors import ConfigError, from_line
from serving.predictor.options import Options

Serve = Callable[..., Server]
INFER = "/v2/models/flights/infer"
PREDICT = "/v1/models/flights:predict"
IMPORTS = """
import sys
from serving.predictor import __main__, process
process.serve = lambda *_: print(*sys.modules)
sys.exit(__main__.main())
"""
"""A predictor that comes as far as serving, and tells what it has imported."""
BODY = json.dumps({"instances": [[1, 2, 0, 0]]}).encode()


def test_it_ends_gracefully(flights: Bundle, serve: Serve) -> None:
    """On SIGTERM it says that it is not ready, answers a request under way and whoever asks still, then ends with 0."""
    server = serve(flights.folder)
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", PREDICT)
    connection.putheader("Content-Length", str(len(BODY)))
    connection.endheaders(BODY[:5])
    server.get("/")  # by now the first request was taken up, too
    server.process.send_signal(signal.SIGTERM)
    while server.get("/v2/health/ready")[0] != 503:
        pass  # until the signal has arrived
    assert server.post(PREDICT, BODY)[0] == 200
    connection.send(BODY[5:])
    answer = connection.getresponse()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    connection.close()
    assert server.process.wait(timeout=30) == 0
    assert "Traceback" not in server.log.read_text()


def test_ports_that_are_taken(flights: Bundle, flights_server: Server) -> None:
    """A second predictor on a port of the first ends with a configuration error that names it, for HTTP and gRPC."""
    http_port, grpc_port = flights_server.url.rpartition(":")[2], flights_server.grpc_address.rpartition(":")[2]
    for ports, taken in (((http_port, str(free_port())), http_port), ((str(free_port()), grpc_port), grpc_port)):
        arguments = ("--model-dir", flights.folder, "--http-port", ports[0], "--grpc-port", ports[1])
        process = _run("--name", "flights", *arguments)
        (error,) = filter(None, map(from_line, process.stderr.splitlines()))
        assert (process.returncode, type(error)) == (2, ConfigError), process.stderr
        assert f"127.0.0.1:{taken}" in error.what
        assert "Traceback" not in process.stderr


def test_it_listens_on_loopback_only(flights_server: Server) -> None:
    """Unless told otherwise, no other machine reaches it."""
    own = [connection for connection in psutil.net_connections("inet") if connection.pid == flights_server.process.pid]
    listening = [
        connection.laddr[0] for connection in own if connection.laddr and connection.status == psutil.CONN_LISTEN
    ]
    assert [address.removeprefix("::ffff:") for address in listening] == ["127.0.0.1"] * 2


def test_only_the_library_it_needs_is_loaded(flights_server: Server, pipeline_server: Server) -> None:
    """XGBoost is in the memory of its own predictor only."""
    assert "libxgboost" in _loaded(flights_server)
    assert "libxgboost" not in _loaded(pipeline_server)


def test_it_starts_without_frameworks(flights: Bundle) -> None:
    """Neither a web framework nor KServe, MLflow, pandas or scikit-learn is imported on the way to serving XGBoost."""
    arguments = ["--name", "flights", "--model-dir", str(flights.folder), "--http-port", "0"]
    process = subprocess.run(
        [sys.executable, "-c", IMPORTS, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(process.stdout.split())
    assert "serving.predictor.routes.server" in loaded
    assert not loaded & {"kserve", "fastapi", "starlette", "uvicorn", "mlflow", "pandas", "sklearn", "grpc", "pyarrow"}


def test_no_line_a_request_unless_asked(flights_server: Server, pipeline_server: Server) -> None:
    """The log of one server does not grow with requests, good or bad; that of the one with --log-requests does."""
    before = flights_server.log.read_text()
    for body in (BODY, b"{"):
        flights_server.post(PREDICT, body)
        pipeline_server.post(INFER, body)
    assert flights_server.log.read_text() == before
    assert f'"POST {INFER} HTTP/1.1" 400' in pipeline_server.log.read_text()


def test_failures_are_counted(flights_server: Server) -> None:
    """/metrics counts predictions, and failures by protocol and status."""
    flights_server.post(PREDICT, BODY)
    flights_server.post(PREDICT, b"{")
    metrics = flights_server.get("/metrics")[1].decode()
    assert 'request_predict_seconds_count{model_name="flights"}' in metrics
    assert 'predictor_requests_total{protocol="rest",status="200"}' in metrics
    assert 'predictor_failures_total{protocol="rest",status="400"}' in metrics


def test_many_requests_of_one_connection(flights_server: Server) -> None:
    """The bound of a request's headers is no bound of a connection, also where head and body come apart."""
    connection = http.client.HTTPConnection(flights_server.url.removeprefix("http://"), timeout=30)
    for _ in range(20):
        connection.request("POST", PREDICT, BODY, {"x-long": "x" * 4000})
        with connection.getresponse() as answer:
            assert answer.status == 200
            answer.read()
    connection.close()


def test_workers(flights: Bundle, serve: Serve) -> None:
    """Several processes answer on one port, over REST and gRPC, and count together; all end with the first."""
    server = serve(flights.folder, "--workers", "2")
    workers = psutil.Process(server.process.pid).children()
    assert len(workers) == 2
    while server.log.read_text().count("gRPC serves on") < 2:
        time.sleep(0.05)  # the readiness that was waited for may be the other's
    for _ in range(10):
        assert server.post(PREDICT, BODY)[0] == 200
    while 'predictor_requests_total{protocol="rest",status="200"} 10.0' not in server.get("/metrics")[1].decode():
        time.sleep(0.05)  # a worker that is not asked tells what it counted within a second
    with grpc.insecure_channel(server.grpc_address) as channel:
        live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
        assert live(b"", timeout=30) == b"\x08\x01"
    assert server.end() == 0
    assert not any(worker.is_running() for worker in workers)


def test_port_of_knative() -> None:
    """PORT is the default HTTP port; KServe's spelling of options works as well."""
    arguments = ["--model_name", "flights", "--model_dir", "/mnt/models"]
    assert Options.parse(arguments, {"PORT": "9000"}).http_port == 9000
    assert Options.parse([*arguments, "--http_port", "9001"], {"PORT": "9000"}).http_port == 9001
    with pytest.raises(ConfigError, match="PORT is 'http'"):
        Options.parse(arguments, {"PORT": "http"})
    with pytest.raises(ConfigError, match="--max-rows is 0"):
        Options.parse([*arguments, "--max-rows", "0"], {})


def test_usage(tmp_path: Path) -> None:
    """A missing or misspelt option ends with argparse's usage and exit code 2."""
    for arguments in ((), ("--name", "flights"), ("--name", "flights", "--model-dir", tmp_path, "--max-row", "5")):
        process = _run(*arguments)
        assert (process.returncode, process.stderr.startswith("usage: ")) == (2, True)


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60, check=False)


def _loaded(server: Server) -> str:
    return " ".join(memory.path for memory in psutil.Process(server.process.pid).memory_maps())


def test_what_the_command_line_leaves_out_is_in_the_environment() -> None:
    """The gRPC port, the version and the digest; the command line wins, and an empty variable says nothing."""
    arguments = ["--model_name", "flights", "--model_dir", "/mnt/models"]
    env = {"DRIFTLOOP_GRPC_PORT": "9002", "DRIFTLOOP_MODEL_VERSION": "7", "DRIFTLOOP_CARD_SHA256": "00"}
    options = Options.parse(arguments, env)
    assert (options.grpc_port, options.model_version, options.card_sha256) == (9002, "7", "00")
    options = Options.parse([*arguments, "--grpc-port", "0", "--model-version", "8", "--card-sha256", "11"], env)
    assert (options.grpc_port, options.model_version, options.card_sha256) == (0, "8", "11")
    assert Options.parse(arguments, {"DRIFTLOOP_MODEL_VERSION": ""}).model_version is None
    with pytest.raises(ConfigError, match="DRIFTLOOP_GRPC_PORT is 'grpc'"):
        Options.parse(arguments, {"DRIFTLOOP_GRPC_PORT": "grpc"})
