"""`python -m serving.trigger`: drift becomes training runs."""

from __future__ import annotations

import logging
import os
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from contracts.errors import ConfigError, DriftloopError, to_line
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from serving.exposition import metrics_route
from serving.receiver import application, configure_logs, serve

SETTLE = "DRIFTLOOP_TRIGGER_SETTLE_SECONDS"
"""How long a request for a run may be under way after the process that sent it has died."""
POLLS = 30

_log = logging.getLogger("serving.trigger")


def main() -> int:
    """Serve until SIGTERM. The exit code: 0 after a graceful end, else the DriftloopError's."""
    configure_logs()
    logging.captureWarnings(True)
    try:
        _run(Settings.from_env(), os.environ)
    except DriftloopError as error:
        _log.error(to_line(error))
        return error.exit_code
    return 0


def _run(settings: Settings, env: Mapping[str, str]) -> None:
    store, specs, settle_seconds = ObjectStore(settings), _specs(settings.loops), _seconds(env.get(SETTLE, "30"))
    if not settings.pipeline.is_file():
        raise ConfigError(f"There is no compiled pipeline {settings.pipeline}.", "Run `driftloop compile`.")
    # kfp takes seconds to import: what is wrong with the settings is told before.
    from serving.trigger.runs import Runs
    from serving.trigger.service import Trigger
    from serving.trigger.starter import Starter

    runs, owner = Runs(settings.kfp_endpoint, settings.pipeline, settings.kfp_token), uuid.uuid4().hex
    starter = Starter(runs, specs, settings.code_version, owner, settle_seconds)
    polls = settle_seconds / POLLS
    trigger = Trigger(store, settings.data_bucket, specs, runs, starter, owner, polls, settings.environment)
    app = application(trigger.handle, "trigger", trigger.lifespan)
    app.router.routes.append(metrics_route(trigger.measures.registry))
    _log.info("loops: %s; runs are asked for at %s", ", ".join(sorted(specs)), settings.kfp_endpoint)
    serve(app)


def _specs(folder: Path) -> dict[str, LoopSpec]:
    specs = [LoopSpec.load(path) for path in sorted(folder.glob("*.toml"))]
    if not specs:
        raise ConfigError(f"There is no loop in {folder}.", "Set DRIFTLOOP_LOOPS to the folder of the TOML files.")
    return {spec.name: spec for spec in specs}


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds < 3600:
        raise ConfigError(f"{SETTLE} is {text!r}.", "Give a number of seconds.")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
