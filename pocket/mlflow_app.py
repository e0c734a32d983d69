"""Runs MLflow's own server in this one process: `python -m pocket.mlflow_app --store URI --artifacts URI --port N`.

`mlflow server` starts a second interpreter that imports everything again: twice the time and twice the memory.
"""

from __future__ import annotations

import argparse
import gc
import os


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", required=True, help="SQLAlchemy URI of runs and registry")
    parser.add_argument("--artifacts", required=True, help="default artifact root, read by clients directly")
    parser.add_argument("--port", required=True, type=int)
    serve(**vars(parser.parse_args()))


def serve(store: str, artifacts: str, port: int) -> None:
    """Open the store (making or checking its tables), then serve REST and pages on loopback."""
    gc.disable()  # thousands of modules are about to be imported, none of which becomes garbage
    import uvicorn  # before mlflow.server, which turns its host check on when it sees a server loaded
    from mlflow.server import constants, handlers
    from mlflow.server.fastapi_app import app

    gc.freeze()
    gc.enable()
    os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = store
    os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = artifacts
    handlers.initialize_backend_stores(store, store, artifacts)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False)


if __name__ == "__main__":
    main()
