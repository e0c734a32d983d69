"""The home in which everything runs, by driftloop's own commands."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from contracts.errors import UnavailableError
from contracts.eventlog import EventLog
from contracts.objects import ObjectStore
from contracts.settings import Settings
from kills import small_loop
from pocket import services, state
from pocket.controllers import service as controllers
from pocket.environment import laid_under, predictor_address
from pocket.state import Record
from pocket.status import Status, status

_NOT_OURS = (
    *("AWS_ENDPOINT_URL_S3", "MLFLOW_TRACKING_URI", "DRIFTLOOP_PREDICTOR_URL", "DRIFTLOOP_DATA_BUCKET"),
    *("K_SINK", "KF_PIPELINES_ENDPOINT", "KUBECONFIG"),
)
"""Variables that would lead to servers of somebody else, which are not to be killed."""


class _KeptStore(ObjectStore):
    """An S3 client that reads an object once: those of the event log are never changed."""

    def __init__(self, settings: Settings, kept: dict[str, bytes]) -> None:
        super().__init__(settings)
        self._kept = kept

    def get(self, uri: str) -> bytes:
        """Its bytes."""
        if uri not in self._kept:
            self._kept[uri] = super().get(uri)
        return self._kept[uri]


@dataclass(frozen=True)
class Home:
    """A home of the benchmark's own."""

    path: Path
    _kept: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def env(self) -> dict[str, str]:
        """What its commands get."""
        plain = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        own = {"DRIFTLOOP_LOOPS": str(self.path / "loops"), "DRIFTLOOP_HOME": str(self.path)}
        # Else an edit in the checkout meanwhile would change the services' settings, and `up` start them anew.
        return {**plain, **own, "DRIFTLOOP_CODE_VERSION": "benchmark", "COLUMNS": "160"}

    def driftloop(self, *arguments: str) -> str:
        """One command, as a user types it; what it printed. UnavailableError if it fails."""
        command = [sys.executable, "-m", "scripts.cli", *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            words = (done.stderr + done.stdout).strip()
            raise UnavailableError(f"`driftloop {' '.join(arguments)}` ended with {done.returncode}: {words}")
        return done.stdout

    def up(self) -> None:
        """`driftloop up`."""
        small_loop.write(self.path / "loops")
        self.driftloop("up")

    def down(self) -> None:
        """`driftloop down`."""
        self.driftloop("down")

    def settings(self) -> Settings:
        """Where everything is just now."""
        return replace(Settings.from_env(laid_under(self.path, self.env)), predictor_url=predictor_address(self.path))

    def log(self) -> EventLog:
        """The event log of the loop."""
        settings = self.settings()
        return EventLog(_KeptStore(settings, self._kept), settings.data_bucket, small_loop.LOOP)

    def records(self) -> dict[str, Record]:
        """Of every process that pocket runs here, by the service's name."""
        names = dict.fromkeys((*services.NAMES, *controllers.running(self.path)))
        found = {name: state.read(self.path, name) for name in names}
        return {name: record for name, record in found.items() if record and record.token}

    def states(self) -> list[Status]:
        """What `driftloop status` tells."""
        return status(self.path, self.env)
