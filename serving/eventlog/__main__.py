"""`python -m serving.eventlog`: settings from the environment, then serve."""

from __future__ import annotations

import logging
import sys

from contracts.errors import DriftloopError, to_line
from contracts.settings import Settings
from serving import receiver
from serving.eventlog.app import build


def main() -> int:
    """Run until a signal, by which the process then ends. The exit code of a DriftloopError before."""
    receiver.configure_logs()
    try:
        receiver.serve(build(Settings.from_env()))
    except DriftloopError as error:
        logging.getLogger(__name__).error(to_line(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
