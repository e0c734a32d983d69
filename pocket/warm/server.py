"""`python -m pocket.warm.server FILE MODULE…`: imports modules, and forks for whoever asks.

FILE is the number of the socket it was given, on which clients may call before it is there. It answers between two
imports, so nobody waits for what he may not need. It has one thread, for only that one would go on in a fork. It ends
when its standard input does, which whoever started it holds open; a fork ends when its client does.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
import tempfile
from dataclasses import dataclass
from threading import Thread

MAX_REQUEST_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Request:
    """What a client wants to be run: `-m module argument…`, in its folder, with its environment and its files."""

    arguments: list[str]
    folder: str
    env: dict[str, str]
    files: list[int]
    """Its standard input, output and error, and a pipe that closes when the client ends."""


def main(listener: socket.socket, modules: list[str]) -> int:
    """Serve until its standard input ends. In a fork: the exit code of what was run."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select(0 if modules else None):
            if key.fileobj is sys.stdin:
                return 0
            if key.fileobj is not listener:
                _tell(selector, key)
            elif (request := _accept(selector, listener)) is not None:
                return _run(request)
        if modules:
            _load(modules.pop(0))


def _load(module: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:  # whoever needs it will say so
        sys.stderr.write(f"{module} is not loaded ahead: {error}\n")


def _accept(selector: selectors.BaseSelector, listener: socket.socket) -> Request | None:
    """Fork for a client. In the parent None; in the child what it shall run."""
    connection, _ = listener.accept()
    request = _read(connection)
    pid = os.fork()
    if pid == 0:
        selector.close()
        listener.close()
        connection.close()
        return request
    for file in request.files:
        os.close(file)
    selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, connection))
    return None


def _read(connection: socket.socket) -> Request:
    head, files, _, _ = socket.recv_fds(connection, struct.calcsize("!I"), 4)
    (size,) = struct.unpack("!I", head)
    body = bytearray()
    while len(body) < min(size, MAX_REQUEST_BYTES):
        body += connection.recv(size - len(body))
    return Request(files=list(files), **json.loads(body))


def _tell(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Tell a client how its fork ended."""
    pid, connection = key.data
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    selector.unregister(key.fileobj)
    os.close(key.fd)
    with connection:
        try:
            connection.sendall(struct.pack("!i", status))
        except OSError:
            return  # it has gone


def _run(request: Request) -> int:
    """Become what the client asked for."""
    os.setsid()
    *files, line = request.files
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    Thread(target=_end_with_the_client, args=[line], daemon=True).start()
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.env)
    tempfile.tempdir = None  # what it was in the server's environment
    _, module, *rest = request.arguments
    sys.argv = [module, *rest]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(end.code + "\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _end_with_the_client(line: int) -> None:
    os.read(line, 1)  # nothing is ever written
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:]))
