"""Runs what waits, one run at a time, oldest first."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from math import inf
from pathlib import Path
from threading import Event, Lock, Thread

from contracts.errors import BusyError, DriftloopError, UnavailableError, disk_room
from pipelines.failure import to_status
from pocket.kfp_api import runs
from pocket.kfp_api.api_error import ApiError, Json
from pocket.kfp_api.documents import Documents
from pocket.kfp_api.listing import Listing, Predicate
from pocket.kfp_api.wish import loop_of, pipeline_of
from pocket.process import unmarked
from pocket.run import environment, execute
from pocket.turn import Line, RunEndedError, new_folder, taken
from pocket.warm.python import WarmPython, ahead_of

STOP_SECONDS = 8.0
REST_SECONDS = 1.0
CLEAR_SECONDS = 5.0
_CUT_OFF = UnavailableError("The pipelines API ended while the run was in progress.", "Start the run again.")
_END_OF_CUT: dict[str, tuple[str, Json | None]] = {
    "PENDING": ("PENDING", None),  # the server stops: it goes on when it is back
    "RUNNING": ("FAILED", to_status(_CUT_OFF)),
    "CANCELING": ("CANCELED", None),
    "CANCELED": ("CANCELED", None),
}
"""State in which a run was cut → how it ends."""
_logger = logging.getLogger(__name__)


class Worker:
    """One thread, which keeps the documents told."""

    def __init__(self, home: Path, env: Mapping[str, str], documents: Documents) -> None:
        self._home, self._documents = home, documents
        self._env = unmarked(env)  # a run ends with its line: the server must be there to tell how
        self._python = WarmPython(home / "python.sock", environment(self._env))
        self._thread = Thread(target=self._work, name="worker", daemon=True)
        self._news, self._stopped = Event(), Event()
        self._lock = Lock()
        self._current: tuple[str, Line] | None = None
        self._cut_off: set[str] = set()
        """Loops whose runs an earlier life of the server left in progress."""

    def start(self) -> None:
        """Tell of the runs that ended with an earlier life of the server, and begin."""
        self._tell_cut_off()
        self._thread.start()

    def wake(self) -> None:
        """There is a new run."""
        self._news.set()

    def cut(self, run_id: str) -> None:
        """End a run if it is in progress."""
        with self._lock:
            if self._current and self._current[0] == run_id:
                self._current[1].cut()

    def stop(self) -> None:
        """End the run in progress and the thread."""
        self._stopped.set()
        self._news.set()
        with self._lock:
            if self._current:
                self._current[1].cut()
        self._thread.join(STOP_SECONDS)
        self._python.close()

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                self._tell_cut_off()
                self._clear_cut_off()
                waiting = self._all("PENDING", 1)
                if waiting:
                    self._run(waiting[0])
                else:
                    self._news.wait()
                    self._news.clear()
            except Exception:
                _logger.exception("the worker failed; it tries again")
                self._stopped.wait(REST_SECONDS)

    def _run(self, run: Json) -> None:
        run_id = run["run_id"]
        with suppress(ApiError), Line() as line:  # it may be terminated and deleted before it begins
            with self._lock:
                self._current = (run_id, line)
            try:
                state, error = self._outcome(run, line)
            finally:
                with self._lock:
                    self._current = None
            self._enter(run_id, state, error)

    def _outcome(self, run: Json, line: Line) -> tuple[str, Json | None]:
        if self._stopped.is_set():
            line.cut()
        try:
            self._execute(run, line)
        except RunEndedError:
            return _END_OF_CUT[self._documents.get("runs", run["run_id"])["state"]]
        except DriftloopError as error:
            return "FAILED", to_status(error)
        except Exception as error:
            _logger.exception("run %s failed", run["run_id"])
            return "FAILED", to_status(DriftloopError(f"{type(error).__name__}: {error}", "The server's log has more."))
        return "SUCCEEDED", None

    def _execute(self, run: Json, line: Line) -> None:
        loop, run_id = loop_of(run), run["run_id"]
        with taken(self._home, loop, line, inf) as lock:
            folder = new_folder(self._home, loop)
            compiled = folder / "pipeline.json"
            pipeline = json.dumps(pipeline_of(run["pipeline_spec"]))
            with disk_room(folder):
                compiled.write_text(pipeline)
            self._begin(run_id, folder / "artifacts", line)
            parameters = run["runtime_config"]["parameters"]
            note = partial(self._note, run_id, line)
            execute(folder, lock, line, self._env, compiled, parameters, note, self._python.ensure(ahead_of(pipeline)))

    def _enter(self, run_id: str, state: str, error: Json | None) -> None:
        self._documents.change("runs", run_id, lambda run: runs.enter(run, state, runs.utc_now(), error))

    def _begin(self, run_id: str, root: Path, line: Line) -> None:
        if line.is_cut:
            raise RunEndedError("The run was ended before it began.")
        try:
            self._documents.change("runs", run_id, lambda run: runs.begin(run, str(root), runs.utc_now()))
        except ApiError as error:
            raise RunEndedError("The run was terminated, or deleted, before it began.") from error

    def _note(self, run_id: str, line: Line, step: str, event: str) -> None:
        if not line.is_cut:  # steps are killed then, which is no failure of theirs
            self._documents.change("runs", run_id, lambda run: runs.note_task(run, step, event, runs.utc_now()))

    def _tell_cut_off(self) -> None:
        """Nothing is in progress when this is called: what says so was cut off."""
        for run in [run for state in runs.IN_PROGRESS for run in self._all(state)]:
            _logger.warning("run %s was cut off", run["run_id"])
            self._enter(run["run_id"], *_END_OF_CUT[run["state"]])
            self._cut_off.add(loop_of(run))

    def _clear_cut_off(self) -> None:
        """Clear what they left, once their processes are gone; the loop's next run does if they are not by then."""
        while self._cut_off and not self._stopped.is_set():
            with suppress(BusyError), Line() as line, taken(self._home, self._cut_off.pop(), line, CLEAR_SECONDS):
                pass

    def _all(self, state: str, size: int = 100) -> list[Json]:
        wanted = Listing("runs", (Predicate("state", "EQUALS", (state,)),), size=size)
        return self._documents.page(wanted)[0]
