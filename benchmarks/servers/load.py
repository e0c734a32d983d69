"""Load from the other processor: wrk for HTTP/1.1, h2load for gRPC, each with one thread."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import DriftloopError, UnavailableError
from servers import forms
from servers.contenders import Running
from servers.forms import Asked

_SCRIPT = Path(__file__).with_name("post.lua")
_PACKAGES = {"wrk": "wrk", "h2load": "nghttp2-client"}
_DONE = re.compile(r"requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout")
_SENT = re.compile(r"\((\d+)\) data")
_LEAST_SHARE = 0.95
"""Of the bytes that good answers have: a gRPC error has none, and its HTTP status is 200."""


@dataclass(frozen=True)
class Reading:
    """One run of load on one server."""

    rps: float
    p50_ms: float
    p99_ms: float
    generator_share: float
    """How much of its processor the generator needed; near 1 it is the generator that was measured."""
    server_share: float
    """How much of its processor the server used."""


def require_programs() -> None:
    """UnavailableError unless the programs are there."""
    absent = [name for name in _PACKAGES if shutil.which(name) is None]
    if absent:
        packages = " ".join(_PACKAGES[name] for name in absent)
        raise UnavailableError(f"{' and '.join(absent)} cannot be found.", f"On Debian: apt-get install {packages}")


def run(server: Running, request: Asked, clients: int, seconds: int, answer_bytes: int) -> Reading:
    """Ask in a closed loop. DriftloopError if a single answer was not what it should be."""
    with tempfile.NamedTemporaryFile(prefix="body-") as file:
        file.write(request.body)
        file.flush()
        command = _h2load if request.form == forms.GRPC else _wrk
        before = server.process.cpu_seconds()
        words, wall, used = _timed(command(server, request, clients, seconds, file.name))
        server_share = (server.process.cpu_seconds() - before) / wall
    figures = _of_h2load(words, seconds, answer_bytes) if request.form == forms.GRPC else _of_wrk(words)
    if (failed := figures["failed"]) or not figures["answered"]:
        raise DriftloopError(f"{server.name}: {failed} requests failed under load. Its generator says:\n{words}")
    return Reading(
        figures["answered"] / figures["seconds"], figures["p50_ms"], figures["p99_ms"], used / wall, server_share
    )


def _wrk(server: Running, request: Asked, clients: int, seconds: int, body: str) -> list[str]:
    line = ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--timeout", "30s"]
    headers = [f"{name}={value}" for name, value in request.headers.items()]
    url = f"http://127.0.0.1:{server.http_port}{request.path}"
    return [*line, "--latency", "--script", str(_SCRIPT), url, "--", body, *headers]


def _h2load(server: Running, request: Asked, clients: int, seconds: int, body: str) -> list[str]:
    """A connection a client, on each one request at a time."""
    line = ["h2load", "--threads", "1", "--clients", str(clients), "--max-concurrent-streams", "1"]
    headers = [part for name, value in request.headers.items() for part in ("--header", f"{name}: {value}")]
    url = f"http://127.0.0.1:{server.grpc_port}{request.path}"
    return [*line, "--duration", str(seconds), "--data", body, *headers, url]


def _timed(line: list[str]) -> tuple[str, float, float]:
    """What a command printed, its seconds, and those of a processor."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(line, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        words = output.read().decode(errors="replace")
    if process.returncode:
        raise DriftloopError(f"{line[0]} failed ({process.returncode}):\n{words}")
    return words, wall, usage.ru_utime + usage.ru_stime


def _of_wrk(words: str) -> dict[str, float]:
    figures: dict[str, float] = json.loads(words.splitlines()[-1])
    return figures


def _of_h2load(words: str, seconds: int, answer_bytes: int) -> dict[str, float]:
    done, sent = _DONE.search(words), _SENT.search(words)
    if not done or not sent:
        raise DriftloopError(f"h2load printed something else than expected:\n{words}")
    answered, succeeded, *failed = (int(number) for number in done.groups())
    if int(sent[1]) < _LEAST_SHARE * answered * answer_bytes:
        raise DriftloopError(f"Some answers of gRPC were empty: errors. h2load says:\n{words}")
    wrong = sum(failed) + answered - succeeded
    nan = float("nan")
    return {"answered": answered, "seconds": seconds, "p50_ms": nan, "p99_ms": nan, "failed": wrong}
