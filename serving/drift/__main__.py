"""`python -m serving.drift`: the drift detector as a service."""

from __future__ import annotations

import logging
import os
import sys

from contracts.errors import DriftloopError, to_line
from contracts.objects import ObjectStore
from contracts.settings import Settings
from serving.drift.choice import Choice
from serving.drift.service import Detector
from serving.exposition import metrics_route
from serving.receiver import application, configure_logs, serve

_log = logging.getLogger("serving.drift")


def main() -> int:
    """Serve until SIGTERM. The exit code: 0 after a graceful end, else the DriftloopError's."""
    configure_logs()
    try:
        settings = Settings.from_env()
        store, choice = ObjectStore(settings), Choice(os.environ)
        detector = Detector(store, settings.data_bucket, choice)
        app = application(detector.handle, "drift")
        app.router.routes.append(metrics_route(detector.measures.registry))
        _log.info("backends: %s", choice)
        serve(app)
    except DriftloopError as error:
        _log.error(to_line(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
