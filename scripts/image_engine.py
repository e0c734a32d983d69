"""What builds and keeps container images on this machine: docker, podman or buildah."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.errors import ConfigError, DriftloopError, UnavailableError

ENGINES = ("docker", "podman", "buildah")
_ASKED = {"docker": ("version",), "podman": ("info",), "buildah": ("info",)}
"""By engine, the arguments it answers well to if it can build: of docker the client alone cannot."""


@dataclass(frozen=True)
class Engine:
    """One of them, by its program's name. DriftloopError if a command of it fails; what it said is on the terminal."""

    name: str

    def build(
        self, folder: Path, target: str, reference: str, arguments: Mapping[str, str], secrets: Mapping[str, Path]
    ) -> None:
        """The image of a target of the folder's Dockerfile."""
        command = [self.name, *(("bud", "--layers") if self.name == "buildah" else ("build",))]
        command += ["--target", target, "--tag", reference, "--file", str(folder / "Dockerfile")]
        command += [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        command += [word for name, path in secrets.items() for word in ("--secret", f"id={name},src={path}")]
        _run([*command, str(folder)], DOCKER_BUILDKIT="1")

    def size(self, reference: str) -> str:
        """How large an image is, unpacked, in the engine's own words or MB. UnavailableError if it is not there."""
        if self.name == "buildah":
            return str(json.loads(self._answer(reference, "images", "--json", reference))[0]["size"])
        inspected = self._answer(reference, "image", "inspect", "--format", "{{.Size}}", reference)
        return f"{int(inspected) / 1e6:,.0f} MB"

    def load(self, reference: str, cluster: str) -> None:
        """The image into the nodes of a kind cluster."""
        if shutil.which("kind") is None:
            raise UnavailableError("The program `kind` is not installed.", "docs/images.md tells what takes its place.")
        if self.name == "docker":
            _run(["kind", "load", "docker-image", reference, "--name", cluster])
            return
        with TemporaryDirectory() as folder:
            archive = Path(folder) / "image.tar"
            self._save(reference, archive)
            _run(["kind", "load", "image-archive", str(archive), "--name", cluster])

    def push(self, reference: str) -> None:
        """The image to the registry that its name begins with."""
        _run([self.name, "push", reference])

    def _save(self, reference: str, archive: Path) -> None:
        if self.name == "buildah":
            _run(["buildah", "push", reference, f"docker-archive:{archive}:{reference}"])
        else:
            _run([self.name, "save", "--output", str(archive), reference])

    def _answer(self, reference: str, *arguments: str) -> str:
        done = subprocess.run([self.name, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnavailableError(f"{self.name} has no image {reference}.", "Run `driftloop images build` first.")
        return done.stdout


def choose(name: str | None) -> Engine:
    """The engine of a name, or the first that answers. UnavailableError if none does."""
    if name not in (None, *ENGINES):
        raise ConfigError(f"--engine is {name!r}.", f"Choose one of {', '.join(ENGINES)}.")
    faults = {}
    for candidate in [name] if name else ENGINES:
        faults[candidate] = _fault(candidate)
        if not faults[candidate]:
            return Engine(candidate)
    told = "; ".join(f"{candidate} {fault}" for candidate, fault in faults.items())
    raise UnavailableError(f"Nothing here can build images: {told}.", "Start Docker, or `apt-get install buildah`.")


def _fault(name: str) -> str:
    if shutil.which(name) is None:
        return "is not installed"
    done = subprocess.run([name, *_ASKED[name]], capture_output=True, text=True, check=False)
    words = done.stderr.strip().splitlines() or ["no words"]
    return f"does not work here ({words[-1]})" if done.returncode else ""


def _run(command: Sequence[str], **env: str) -> None:
    done = subprocess.run(command, env={**os.environ, **env}, check=False)
    if done.returncode:
        what = " ".join(command[:2])
        raise DriftloopError(f"`{what}` failed with exit code {done.returncode}; what it said is above.")
