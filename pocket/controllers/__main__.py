"""Runs the controllers of a home: `python -m pocket.controllers --home FOLDER [--port N]`."""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from contracts.errors import BusyError, DriftloopError, to_line
from pocket import state
from pocket.controllers import eventing, memory
from pocket.controllers.controllers import Controllers


def main() -> int:
    """Run until SIGTERM or SIGINT; the exit code of the error if it cannot. What was started goes on."""
    parser = argparse.ArgumentParser(prog="python -m pocket.controllers", description=__doc__)
    parser.add_argument("--home", required=True, type=Path, help="folder of the Kubernetes API and all that is kept")
    parser.add_argument("--port", type=int, help="of GET /healthz on 127.0.0.1; none if not given")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        home = arguments.home.resolve()
        with _only_one(home):
            eventing.ensure(home)
            controllers = Controllers(home, os.environ)
            if arguments.port:
                _tell_health(controllers, arguments.port)
            controllers.run(ended)
    except DriftloopError as error:
        sys.stderr.write(to_line(error) + "\n")
        return error.exit_code
    return 0


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """The lock goes with the process that holds it."""
    state.private_folder(memory.folder(home))
    with (memory.folder(home) / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"Other controllers work in {home}.", "Stop them first.") from error
        yield


def _tell_health(controllers: Controllers, port: int) -> None:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" and controllers.is_ready else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: health is asked often."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
