"""`python -m pocket.broker --home H --config C`: keeps the Broker's three processes up until it is told to end.

With --role it is one of them: the ingress, or the dispatcher. NATS is the third.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from contracts.errors import DriftloopError, to_line
from pocket.broker import role
from pocket.broker.keeper import Keeper
from pocket.broker.service import ROLES


def main() -> int:
    """Exit code 0 after SIGTERM or SIGINT, else that of the error."""
    parser = argparse.ArgumentParser(prog="python -m pocket.broker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder for what the broker keeps")
    parser.add_argument("--config", type=Path, required=True, help="JSON list of Broker and Trigger objects")
    parser.add_argument("--role", choices=sorted(ROLES), help=argparse.SUPPRESS)
    parser.add_argument("--http-port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--nats-port", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        home, config = given.home.resolve(), given.config.resolve()
        if given.role:
            role.run(given.role, home, config, given.http_port, given.nats_port)
        else:
            Keeper(home, config, os.environ).run()
    except DriftloopError as error:
        print(to_line(error) if given.role else error, file=sys.stderr)  # noqa: T201  what its user reads
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
