"""Runs the pipelines API of a home: `python -m pocket.kfp_api --home FOLDER [--port N]`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import uvicorn

from contracts.errors import DriftloopError, to_line
from pocket import ports, state
from pocket.kfp_api.documents import Documents
from pocket.kfp_api.face import Face
from pocket.kfp_api.server import application
from pocket.kfp_api.service import NAME, USUAL_PORTS
from pocket.kfp_api.worker import Worker


def main() -> int:
    """Serve until told to stop; the exit code of the error if it cannot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", required=True, type=Path, help="folder of the runs and what they write")
    parser.add_argument("--port", type=int, help="on 127.0.0.1; 8888 or a free one if not given")
    arguments = parser.parse_args()
    try:
        serve(arguments.home.resolve(), arguments.port or ports.choose(USUAL_PORTS, {})["http"])
    except DriftloopError as error:
        sys.stderr.write(to_line(error) + "\n")
        return error.exit_code
    return 0


def serve(home: Path, port: int) -> None:
    """Open the store, answer, and run what waits."""
    state.private_folder(home / NAME)
    documents = Documents(home / NAME / "runs.db")
    try:
        worker = Worker(home, dict(os.environ), documents)
        uvicorn.run(
            application(Face(documents, worker), worker),
            host="127.0.0.1",
            port=port,
            access_log=False,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    finally:
        documents.close()


if __name__ == "__main__":
    sys.exit(main())
