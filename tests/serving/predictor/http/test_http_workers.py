"""Several processes serve one port, and one that dies is replaced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from connection_parts import GET, POST, Client, wait_until

PROGRAM = """
import asyncio, os, signal, socket, sys, uvloop
from serving.predictor.http.bounds import Bounds
from serving.predictor.http.message import Response
from serving.predictor.http.server import Server, serve
from serving.predictor.http.workers import run_workers

listen = socket.socket(fileno=int(sys.argv[1]))

async def handle(request):
    await asyncio.sleep(0.3)
    return Response(200, str(os.getpid()).encode())

def leave(number, _):
    sys.exit(128 + number)

def work():
    if sys.argv[2:] == ["loading"]:
        signal.signal(signal.SIGTERM, leave)
        os.write(1, b"%d\\n" % os.getpid())  # whole, whoever else writes
        signal.pause()
    if sys.argv[2:]:
        sys.exit(int(sys.argv[2]))
    quick = lambda request: Response(200, str(os.getpid()).encode()) if request.method == "GET" else handle(request)
    uvloop.run(serve(Server(quick, Bounds(quiet_seconds=0.1)), listen, 10))
    return 0

sys.exit(run_workers(2, work))
"""


@contextmanager
def _workers(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A parent of two workers, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as listen:
        number = listen.fileno()
        command = [sys.executable, "-c", PROGRAM, str(number), *arguments]
        process = subprocess.Popen(command, pass_fds=[number], start_new_session=True, stdout=subprocess.PIPE)
        port = listen.getsockname()[1]
    try:
        yield process, port
    finally:
        if process.poll() is None:
            for worker in psutil.Process(process.pid).children():
                worker.kill()
            process.kill()
        process.communicate()


def _ask(port: int, data: bytes = GET) -> int:
    """The process that answers."""
    client = Client(port)
    try:
        return int(client.ask(data).body)
    finally:
        client.close()


def _children(process: subprocess.Popen[bytes]) -> set[int]:
    return {child.pid for child in psutil.Process(process.pid).children()}


def test_a_worker_that_dies_is_replaced_and_all_end_gracefully() -> None:
    """Both workers answer; a killed one is replaced; a signal to end answers what is under way."""
    with _workers() as (process, port):
        first = _ask(port)
        assert len(_children(process)) == 2
        assert first in _children(process)
        os.kill(first, signal.SIGKILL)
        assert _ask(port) != first
        wait_until(lambda: len(_children(process) - {first}) == 2)
        wait_until(lambda: len({_ask(port) for _ in range(20)}) == 2)
        client = Client(port)
        assert client.ask(GET).status == 200
        client.send(POST)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert client.answer().status == 200
        client.close()
        assert process.wait(30) == 0


def test_workers_end_with_their_parent() -> None:
    """When the parent is killed, its workers end too."""
    with _workers() as (process, port):
        assert _ask(port) in _children(process)
        workers = [psutil.Process(pid) for pid in _children(process)]
        process.kill()
        process.wait()
        wait_until(lambda: not any(worker.is_running() for worker in workers))


def test_workers_that_cannot_start_are_the_end() -> None:
    """If every worker ends by itself at its start, the parent ends with their code."""
    with _workers("8") as (process, _):
        assert process.wait(30) == 8


def test_workers_that_still_load_may_be_ended() -> None:
    """A signal before they serve ends them, and that is no failure."""
    with _workers("loading") as (process, _):
        assert process.stdout is not None
        for _ in range(2):
            assert process.stdout.readline().strip().isdigit()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
