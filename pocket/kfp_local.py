"""Runs one compiled pipeline with kfp.local: `python -m pocket.kfp_local FILE PARAMS ROOT SCRATCH [SOCKET]`.

Steps are forks of the warm Python at SOCKET, without one processes like any other. Its standard input is the line to
the command that started it: when that closes, the run ends. It leads a process group of its own, to which its steps
belong, or the clients with which forks end. SCRATCH is a folder for temporary files, removed when the line closes.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import warnings
from pathlib import Path
from threading import Thread

import psutil

from pocket.warm.python import command_of


def main(compiled: str, params: str, root: str, scratch: str, warm: str = "") -> int:
    """Run the compiled file with the parameters of a JSON file; 1 if a step failed. kfp logs every step to stdout."""
    Thread(target=_end_with_the_command, args=[scratch], daemon=True).start()
    os.environ["TMPDIR"] = scratch
    if warm:
        sys.executable = command_of(Path(warm))
    from kfp import components, local

    _log_every_task()
    # Steps name their cluster image, which kfp.local points out for each; here the environment is the image.
    warnings.filterwarnings("ignore", message="You may be attemping to run a task", category=RuntimeWarning)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=root)
    pipeline = components.load_component_from_file(compiled)
    try:
        pipeline(**json.loads(Path(params).read_text()))
    except RuntimeError as error:
        print(error, flush=True)  # noqa: T201 - the log
        return 1
    return 0


def _log_every_task() -> None:
    """Log the begin and the end of each task.

    kfp.local sets logging up for each task and takes it down afterwards, which silences tasks beside it.
    """
    from kfp.local import logging_utils

    form = logging_utils.MillisecondFormatter("%(asctime)s - %(levelname)s - %(message)s", "%H:%M:%S.%f")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(form)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging_utils.local_logger_context = contextlib.nullcontext


def _end_with_the_command(scratch: str) -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever written
    for step in psutil.Process().children(recursive=True):
        step.kill()  # unlike a signal to the group, this spares the process that cleans up
    shutil.rmtree(scratch, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
