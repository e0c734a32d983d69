"""Runs the API of a home: `python -m pocket.kubernetes --home FOLDER [--port N]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvicorn

from contracts.errors import DriftloopError, to_line
from pocket import ports, state
from pocket.kubernetes import access
from pocket.kubernetes.objects import Objects
from pocket.kubernetes.server import application
from pocket.kubernetes.service import NAME, USUAL_PORTS
from pocket.kubernetes.store import Store


def main() -> int:
    """Serve until told to stop; the exit code of the error if it cannot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", required=True, type=Path, help="folder of the objects, the token and the kubeconfig")
    parser.add_argument("--port", type=int, help="on 127.0.0.1; 6443 or a free one if not given")
    arguments = parser.parse_args()
    try:
        serve(arguments.home, arguments.port or ports.choose(USUAL_PORTS, {})["http"])
    except DriftloopError as error:
        sys.stderr.write(to_line(error) + "\n")
        return error.exit_code
    return 0


def serve(home: Path, port: int) -> None:
    """Open the store, write the kubeconfig, answer."""
    folder = home / NAME
    state.private_folder(folder)
    store = Store(folder / "objects.db")
    try:
        answer = application(Objects(store), access.token(home))
        certificate, key = access.certificate(home)
        access.write_kubeconfig(home, port)
        uvicorn.run(
            answer,
            host="127.0.0.1",
            port=port,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=1,  # a watch would go on for half an hour
        )
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(main())
