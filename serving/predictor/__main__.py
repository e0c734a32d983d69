"""`python -m serving.predictor`: load one model, then serve it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from socket import socket

from contracts.errors import DriftloopError, to_line
from serving.predictor import logs
from serving.predictor.address import bind
from serving.predictor.options import Options

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Variable: where several processes count together. prometheus_client reads it when it is imported."""
_logger = logging.getLogger("serving.predictor")


def main() -> int:
    """Run until a signal. The exit code: 0 after a graceful end, else the DriftloopError's."""
    started = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    return _guarded(lambda: _run(Options.parse(sys.argv[1:], os.environ), started))


def _guarded(work: Callable[[], int]) -> int:
    try:
        return work()
    except DriftloopError as error:
        _logger.error(to_line(error))
        return error.exit_code


def _run(options: Options, started: float) -> int:
    logs.configure()
    # OpenMP, which scikit-learn computes with, reads this when it is first loaded.
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    http = bind(options.host, options.http_port)
    grpc = bind(options.host, options.grpc_port) if options.grpc_port else None
    if options.workers == 1:
        return _work(options, http, grpc, started)
    from serving.predictor.http.workers import run_workers

    with tempfile.TemporaryDirectory(prefix="driftloop-metrics-") as folder:
        os.environ[METRICS_FOLDER] = folder
        return run_workers(options.workers, lambda: _guarded(lambda: _work(options, http, grpc, time.monotonic())))


def _work(options: Options, http: socket, grpc: socket | None, started: float) -> int:
    # A port that is taken, or an option that is wrong, is told before anything is loaded.
    from serving.predictor.folder import open_plane
    from serving.predictor.process import serve

    plane = open_plane(options)
    card = plane.card
    _logger.info(
        "serving %s version %s: %s, %d features, outputs %s; loaded in %.1f s",
        *(plane.name, plane.version, card.format, len(card.features), "/".join(card.outputs)),
        time.monotonic() - started,
    )
    serve(plane, options, http, grpc)
    return 0


def _leave(number: int, _: object) -> None:
    """A signal before there is anything to end gracefully: leave at once, through every clean-up."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
