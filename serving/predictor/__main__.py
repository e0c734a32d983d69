"""`python -m serving.predictor`: load one model, then serve it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time

from contracts.errors import DriftloopError, to_line
from serving.predictor import logs
from serving.predictor.address import bind
from serving.predictor.options import Options

_logger = logging.getLogger("serving.predictor")


def main() -> int:
    """Run until a signal. The exit code: 0 after a graceful end, else the DriftloopError's."""
    started = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        options = Options.parse(sys.argv[1:], os.environ)
        logs.configure()
        # OpenMP, which scikit-learn computes with, reads this when it is first loaded.
        os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
        _run(options, started)
    except DriftloopError as error:
        _logger.error(to_line(error))
        return error.exit_code
    return 0


def _run(options: Options, started: float) -> None:
    http = bind(options.host, options.http_port)
    grpc = bind(options.host, options.grpc_port) if options.grpc_port else None
    # A port that is taken is told before anything is loaded.
    from serving.predictor.folder import open_plane
    from serving.predictor.process import serve

    plane = open_plane(options)
    card = plane.card
    _logger.info(
        "serving %s version %s: %s, %d features, labels %s; loaded in %.1f s",
        *(plane.name, plane.version, card.format, len(card.features), "/".join(card.labels)),
        time.monotonic() - started,
    )
    serve(plane, options, http, grpc)


def _leave(number: int, _: object) -> None:
    """A signal before there is anything to end gracefully: leave at once, through every clean-up."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
