"""What payload logging costs a request: two predictors of one model, one that logs, asked in turns.

Time is a client's, over a kept connection, by its median. CPU is the predictor's own, with its sending thread's.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import xgboost

from contracts.model import Feature, ModelCard, sha256_of

FEATURES, TREES, DEPTH = 26, 100, 6
INFER = "/v2/models/bench/infer"


class Taker(BaseHTTPRequestHandler):
    """Takes every event, and keeps none."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """202."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Predictor:
    """A predictor process and a connection to it."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        port = free_port()
        line = ["--name", "bench", "--model-dir", str(folder), "--http-port", str(port), "--grpc-port", "0"]
        self.process = psutil.Popen([sys.executable, "-m", "serving.predictor", *line], env=env)
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        while True:
            with contextlib.suppress(ConnectionError):
                self._connection.connect()
                return
            time.sleep(0.1)

    def ask(self, body: bytes) -> float:
        """Seconds until the answer is here."""
        start = time.perf_counter()
        self._connection.request("POST", INFER, body)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"answered {answer.status}")
        return time.perf_counter() - start

    def cpu_seconds(self) -> float:
        """CPU used so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


def main() -> None:
    """Print a line for each number of rows and form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 32, 1024])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=10, help="about how long a line takes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, predictors(Path(name)) as pair:
        print("rows  form        off ms    on ms   ratio   CPU off ms   CPU on ms   ratio")
        for rows in options.rows:
            for form in ("columns", "matrix"):
                times, cpu = measure(pair, body(rows, form), options.rounds, options.seconds)
                print(
                    f"{rows:4}  {form:8} {times[0]:9.3f} {times[1]:8.3f} {times[1] / times[0]:7.3f}"
                    f" {cpu[0]:12.3f} {cpu[1]:11.3f} {cpu[1] / cpu[0]:7.3f}"
                )


@contextlib.contextmanager
def predictors(folder: Path) -> Iterator[tuple[Predictor, Predictor]]:
    """The one that does not log, and the one that does."""
    model(folder)
    port = free_port()
    sink = multiprocessing.Process(target=take, args=(port,), daemon=True)
    sink.start()
    plain = {name: value for name, value in os.environ.items() if name != "K_SINK"}
    logs = {"K_SINK": f"http://127.0.0.1:{port}", "DRIFTLOOP_SPOOL": str(folder / "spool")}
    pair = Predictor(folder, plain), Predictor(folder, {**plain, **logs})
    try:
        yield pair
    finally:
        for predictor in pair:
            predictor.process.terminate()
            predictor.process.wait(30)
        sink.kill()


def take(port: int) -> None:
    """Be the sink."""
    ThreadingHTTPServer(("127.0.0.1", port), Taker).serve_forever()


def measure(
    pair: tuple[Predictor, Predictor], request: bytes, rounds: int, seconds: float
) -> tuple[list[float], list[float]]:
    """Median milliseconds and mean CPU milliseconds a request, of each predictor; they take turns."""
    warm = median(predictor.ask(request) for predictor in pair for _ in range(30))
    count = max(3, int(seconds / rounds / 2 / warm))
    times: list[list[float]] = [[], []]
    used = [0.0, 0.0]
    for turn in range(rounds):
        for which in (0, 1) if turn % 2 else (1, 0):
            before = pair[which].cpu_seconds()
            times[which] += [pair[which].ask(request) for _ in range(count)]
            used[which] += pair[which].cpu_seconds() - before
    return [median(each) * 1e3 for each in times], [total / rounds / count * 1e3 for total in used]


def body(rows: int, form: str) -> bytes:
    """A V2 request in JSON."""
    matrix = values(rows)
    if form == "matrix":
        inputs = [{"name": "m", "datatype": "FP32", "shape": [rows, FEATURES], "data": matrix.ravel().tolist()}]
    else:
        inputs = [
            {"name": f"f{at}", "datatype": "FP32", "shape": [rows], "data": matrix[:, at].tolist()}
            for at in range(FEATURES)
        ]
    return json.dumps({"inputs": inputs}).encode()


def values(rows: int) -> np.ndarray:
    """Numbers of four digits, [rows, features]."""
    return np.random.default_rng(rows).normal(size=(rows, FEATURES)).round(3)


def model(folder: Path) -> None:
    """A model folder."""
    matrix = values(5000)
    data = xgboost.DMatrix(matrix, matrix[:, 0] + matrix[:, 1] > 0, feature_names=[f"f{at}" for at in range(FEATURES)])
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": DEPTH, "nthread": 1}, data, TREES)
    booster.save_model(folder / "model.ubj")
    ModelCard(
        loop="bench",
        kind="xgboost",
        format="xgboost-ubj",
        model_file="model.ubj",
        features=tuple(Feature(name=f"f{at}") for at in range(FEATURES)),
        labels=("no", "yes"),
        files={"model.ubj": sha256_of(folder / "model.ubj")},
    ).write(folder)


def free_port() -> int:
    """A port that nobody listened on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


if __name__ == "__main__":
    main()
