"""`driftloop` as its user types it: a process of its own, in a home and with temporary files of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from pocket import services
from pocket.progress import silent

_MARK = "DRIFTLOOP_TEST_COMMAND"
SECONDS = 300
"""How long a command may take, and a test that runs the whole pipeline: half a minute where nobody else works."""
DAYS = ("--start", "2013-01-02", "--end", "2013-01-06", "--holdout-end", "2013-01-08")
_SMALL = (
    "train.validation_days=1",
    "train.trials=1",
    "train.space={xgboost={n_estimators=[20], max_depth=[3], subsample=[0.7]}}",
    "gate.min_roc_auc=0.0",
    "gate.max_log_loss=9.0",
    "gate.min_slice_roc_auc=0.0",
    "gate.tolerance=1.0",
    "gate.bootstrap_samples=20",
    "drift.reference_rows=200",
)


@dataclass(frozen=True)
class Ended:
    """What a command came to."""

    exit_code: int
    out: str
    err: str

    def assert_told(self, exit_code: int, *words: str) -> None:
        """It ended with this code, and with a message that has these words and is no traceback."""
        assert self.exit_code == exit_code, self.err
        assert "Traceback" not in self.out + self.err
        for word in words:
            assert word in self.err

    @property
    def body(self) -> dict[str, Any]:
        """What it printed with --json."""
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass(frozen=True)
class Running:
    """A command in progress."""

    process: subprocess.Popen[str]

    def wait_for(self, beginning: str) -> str:
        """Until it says a line that begins so on stderr; the line."""
        assert self.process.stderr is not None
        said = []
        for found in self.process.stderr:
            said.append(found)
            if found.startswith(beginning):
                return found
        raise AssertionError(f"ended without {beginning!r}: {''.join(said)}")

    def finish(self) -> Ended:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=SECONDS)
        return Ended(self.process.returncode, out, err)


@dataclass(frozen=True)
class Command:
    """`driftloop` with an environment."""

    home: Path
    env: Mapping[str, str]
    folder: Path
    """Its temporary files."""
    prefix: tuple[str, ...] = ()
    """A program that runs it."""
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def full_env(self) -> dict[str, str]:
        """Its environment, with its home and where its temporary files are."""
        return {**self.env, "DRIFTLOOP_HOME": str(self.home), "TMPDIR": str(self.folder)}

    def with_env(self, **variables: str) -> Command:
        """The same with more in its environment."""
        return replace(self, env={**self.env, **variables})

    def start(self, *arguments: str) -> Running:
        """Start it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        program = str(Path(sys.executable).with_name("driftloop"))
        return Running(
            subprocess.Popen(
                [*self.prefix, program, *arguments],
                env={**self.full_env, _MARK: self.mark},
                cwd=self.folder.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )

    def start_run(self, source: str, *options: str) -> Running:
        """Start a small pipeline run over a source; options come last and win."""
        settings = (f"data.source={source}", *_SMALL)
        return self.start("run", "flights", *DAYS, *(f"--set={one}" for one in settings), *options)

    def run(self, source: str, *options: str) -> Ended:
        """A small pipeline run, to its end."""
        return self.start_run(source, *options).finish()

    def last_run(self) -> Path:
        """Folder of the newest run."""
        return max((self.home / "runs").glob("flights-*"))

    def written(self, step: str, name: str) -> Path:
        """A file of the newest run."""
        (found,) = self.last_run().glob(f"artifacts/*/{step}/{name}")
        return found

    def mlflow_runs(self) -> list[str]:
        """Ids of the MLflow runs of its pipeline runs."""
        return [path.read_text() for path in self.home.glob("runs/*/artifacts/*/plan/search")]

    def last_mlflow_run(self) -> str:
        """Id of the MLflow run of the newest run that has one."""
        return max(self.home.glob("runs/*/artifacts/*/plan/search")).read_text()

    def down(self) -> None:
        """Stop the pipelines API that its runs have brought up."""
        services.down(self.home, silent)

    def processes(self) -> list[psutil.Process]:
        """What still runs of all it started."""
        return [process for process in psutil.process_iter() if _is_marked(process, self.mark)]

    def assert_no_process(self) -> None:
        """Nothing runs any more; what was killed may take a moment."""
        until(lambda: not self.processes())

    def kill_all(self) -> None:
        """End whatever a failed test left running."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def assert_nothing_left(self) -> None:
        """No process, no temporary file, no half-written one, no unfinished run."""
        self.assert_no_process()
        until(lambda: not list(self.folder.glob("*")))
        assert [*self.home.glob("runs/**/*.partial"), *self.home.glob("runs/*/unfinished")] == []


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)


def _is_marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(_MARK) == mark
    except (psutil.Error, OSError):  # gone meanwhile, or another user's
        return False
