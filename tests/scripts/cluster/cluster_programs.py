"""Programs in the places of kind, docker and kubectl, which write down what they are asked."""

from __future__ import annotations

import json
from pathlib import Path


class Programs:
    """A folder of small shell scripts, all that a command finds but for git and the shell's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "asked.log"

    def make(self, name: str, body: str = "") -> None:
        """A program that writes down its arguments and then does what the body says."""
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self._log}"\n{body}\n')
        path.chmod(0o755)

    def make_docker(self, cpus: int = 8, memory_gb: int = 16) -> None:
        """A docker that works, on a machine of that size."""
        told = json.dumps({"NCPU": cpus, "MemTotal": memory_gb * 10**9, "DockerRootDir": "/nonexistent"})
        self.make("docker", f"""case "$1" in info) echo '{told}' ;; image) echo 1000000 ;; esac""")

    def make_kind(self, version: str = "0.33.0") -> None:
        """A kind that remembers by a file whether its cluster is there."""
        there = self.folder / "cluster"
        self.make(
            "kind",
            f"""case "$1 $2" in
            "version ") echo "kind v{version} go1.26 linux/amd64" ;;
            "get clusters") if [ -e "{there}" ]; then echo driftloop; fi ;;
            "create cluster") : >"{there}" ;;
            "delete cluster") /bin/rm -f "{there}" ;;
            esac""",
        )

    def make_kubectl(self, version: str = "1.34.1", body: str = "") -> None:
        """A kubectl whose commands print nothing unless the body does."""
        told = json.dumps({"clientVersion": {"gitVersion": f"v{version}"}})
        self.make("kubectl", f"""case "$1" in version) echo '{told}' ;; esac\n{body}""")

    def asked(self, beginning: str = "") -> list[str]:
        """What was asked so far, in order: the lines that begin so."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line for line in lines if line.startswith(beginning)]
