"""Where servers are measured: the processors, the peers' programs, a folder, and the sink of the payload log."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pocket.progress import Progress
from servers.cores import Cores
from servers.environments import environment
from servers.ports import free_ports

_SINK = Path(__file__).with_name("sink.py")


@dataclass(frozen=True)
class Place:
    """What every server is started with."""

    folder: Path
    """Absolute, and gone in the end."""
    cores: Cores
    sink_port: int
    environments: Mapping[str, Path]
    """Folder of programs by peer."""


@contextmanager
def made(folder: Path, peers: Sequence[str], on_progress: Progress) -> Iterator[Place]:
    """A place below a folder, with the environments of peers."""
    folder.mkdir(parents=True, exist_ok=True)
    cores = Cores.choose()
    environments = {name: environment(name, folder / "peers", on_progress) for name in peers}
    (port,) = free_ports(1)
    with (
        tempfile.TemporaryDirectory(prefix="serving-", dir=folder) as own,
        subprocess.Popen([sys.executable, str(_SINK), str(port)]) as sink,
    ):
        try:
            yield Place(Path(own).absolute(), cores, port, environments)
        finally:
            sink.terminate()
