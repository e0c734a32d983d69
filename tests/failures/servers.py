"""An S3 server and an MLflow that tests may kill and bring back."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.settings import Settings
from pocket import services, state
from pocket.progress import silent


@dataclass(frozen=True)
class Servers:
    """The servers of a home. They come back at the addresses they had."""

    home: Path
    env: Mapping[str, str]
    """Where they are, for a command that has another home."""

    @classmethod
    def started(cls, home: Path, plain_env: Mapping[str, str]) -> Servers:
        """Servers that answer."""
        return cls(home, services.up(home, plain_env, silent))

    @property
    def settings(self) -> Settings:
        """Where they are."""
        return Settings.from_env(self.env)

    def kill(self, name: str) -> None:
        """End `s3` or `mlflow` without a warning."""
        record = state.read(self.home, name)
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)

    def bring_back(self) -> None:
        """Start what was killed."""
        own = [name for name in self.env if name.startswith(("AWS_", "MLFLOW_TRACKING", "DRIFTLOOP_"))]
        found = services.up(self.home, {name: self.env[name] for name in self.env if name not in own}, silent)
        assert all(found[name] == self.env[name] for name in ("AWS_ENDPOINT_URL_S3", "MLFLOW_TRACKING_URI"))

    def stop(self) -> None:
        """End both."""
        services.down(self.home, silent)
