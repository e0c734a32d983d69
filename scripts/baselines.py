"""What a year would have been worth without the loop, computed beside the replay by what it leaves of the processor."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window

if TYPE_CHECKING:
    from components.registry import Version
    from components.worth import Baseline

LEAST_URGENT = 19


class Baselines:
    """Computes in a process of its own, which ends with this one. Use as a context."""

    def __init__(self, settings: Settings, spec: LoopSpec, first: Version, frame: Path, window: Window) -> None:
        self._folder = TemporaryDirectory()
        ObjectStore(settings).get_folder(first.model_uri, Path(self._folder.name))
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, context, initializer=_behave)
        self._found = self._pool.submit(_compute, spec, first, frame, Path(self._folder.name), window)

    def result(self) -> list[Baseline]:
        """Each month's, once all are there."""
        return self._found.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in multiprocessing.active_children() if kind else ():
            process.kill()
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()


def _compute(spec: LoopSpec, first: Version, frame: Path, folder: Path, window: Window) -> list[Baseline]:
    from components.worth import baselines, recipe_of
    from feature_store.contract import load

    return list(baselines(spec, load(spec.name), frame, folder, recipe_of(first), window))


def _behave() -> None:
    """Come after everybody else, leave Ctrl-C to whoever started this, and end with him."""
    os.nice(LEAST_URGENT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)
