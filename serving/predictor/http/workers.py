"""Several processes on one port: a parent that only watches, and workers that share its socket."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import NoReturn

DELAY_SECONDS = 1.0
"""Between a worker's death and its successor: what kills it may do so again."""
_WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGCHLD}
_logger = logging.getLogger(__name__)


def run_workers(count: int, work: Callable[[], int]) -> int:
    """Run `work` in so many processes until a signal, and start again one that dies. The exit code of all.

    To be called before any thread and any event loop: workers are forks. Each gets the signals that the parent gets,
    and SIGTERM when the parent dies. A worker that ends by itself while no other lives is the end: it failed to start.
    """
    return _Parent(count, work).run()


class _Parent:
    def __init__(self, count: int, work: Callable[[], int]) -> None:
        self._work = work
        self._alive: set[int] = set()
        self._due = [0.0] * count  # when workers that are missing are to be started
        self._ending = False
        self._left: set[int] = set()  # codes of workers that a signal ended before they served
        self._code = 0
        self._lifeline, self._held = os.pipe()

    def run(self) -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        try:
            self._start_due()
            while self._alive or self._due:
                number = signal.sigtimedwait(_WATCHED, DELAY_SECONDS / 4)
                if number is not None and number.si_signo != signal.SIGCHLD:
                    self._pass_on(number.si_signo)
                self._bury()
                self._start_due()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        return self._code

    def _start_due(self) -> None:
        now = time.monotonic()
        due = [at for at in self._due if at <= now]
        self._due = [at for at in self._due if at > now]
        for _ in due:
            pid = os.fork()
            if pid == 0:
                self._be_worker()
            self._alive.add(pid)
            _logger.info("worker %d started", pid)

    def _pass_on(self, number: int) -> None:
        self._ending = True
        self._left.add(128 + number)
        self._due = []
        for pid in self._alive:
            os.kill(pid, number)

    def _bury(self) -> None:
        """Take note of workers that ended."""
        for pid in tuple(self._alive):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._alive.discard(pid)
                self._replace(pid, os.waitstatus_to_exitcode(status))

    def _replace(self, pid: int, code: int) -> None:
        if self._ending:
            self._code = self._code or (0 if code in self._left else max(code, 0))
        elif code >= 0 and not self._alive:
            self._ending, self._due, self._code = True, [], code
        else:
            what = f"signal {-code}" if code < 0 else f"code {code}"
            _logger.error("worker %d ended with %s; another is started in %.0f s", pid, what, DELAY_SECONDS)
            self._due.append(time.monotonic() + DELAY_SECONDS)

    def _be_worker(self) -> NoReturn:
        """Work as any process does, and leave without what the parent would do at its end."""
        code = 1
        try:
            os.setpgid(0, 0)  # a signal to the parent's whole group comes once, passed on; a second one means haste
            os.close(self._held)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
            threading.Thread(target=_end_with_parent, args=(self._lifeline,), daemon=True).start()
            code = self._work()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException:
            _logger.exception("the worker failed")
        finally:
            logging.shutdown()
            os._exit(code)


def _end_with_parent(lifeline: int) -> None:
    """Wait for the pipe to close that only the parent holds open: then it has died."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
