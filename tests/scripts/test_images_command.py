"""`driftloop images`, with programs in the engines' places that write down what they are asked."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

VERSION = metadata.version("driftloop")
DRIFTLOOP = Path(sys.executable).with_name("driftloop")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs, the only one on PATH but for git's and the shell's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


def _program(programs: Path, name: str, body: str = "") -> None:
    (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"{programs}.log"\n{body}\n')
    (programs / name).chmod(0o755)


def _asked(programs: Path) -> list[str]:
    log = Path(f"{programs}.log")
    return log.read_text().splitlines() if log.exists() else []


def _run(programs: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "SSL_"))}
    command = [str(DRIFTLOOP), "images", *arguments]
    return subprocess.run(
        command, env={**kept, **env, "PATH": str(programs)}, capture_output=True, text=True, check=False
    )


def test_no_engine(programs: Path) -> None:
    """Without any, each is named, and what to do."""
    done = _run(programs, "build")
    assert done.returncode == 4
    assert "docker is not installed; podman is not installed; buildah is not installed" in done.stderr
    assert "apt-get install buildah" in done.stderr


def test_an_engine_that_does_not_work(programs: Path) -> None:
    """A docker without its daemon is passed over, or, if it was asked for, quoted."""
    _program(programs, "docker", "echo 'Is the daemon running?' >&2; exit 1")
    done = _run(programs, "build", "--engine", "docker")
    assert done.returncode == 4
    assert "docker does not work here (Is the daemon running?)" in done.stderr
    _program(programs, "podman", 'case "$1" in image) echo 1000000 ;; esac')
    assert "1 MB" in _run(programs, "build").stdout


def test_an_unknown_engine(programs: Path) -> None:
    """It is a mistake of the command line's."""
    done = _run(programs, "build", "--engine", "kaniko")
    assert done.returncode == 2
    assert "docker, podman, buildah" in done.stderr


def test_build(programs: Path) -> None:
    """Each target under its full name, upon the base image that was asked for, and its size."""
    _program(programs, "docker", 'case "$1" in image) echo 1234567890 ;; esac')
    done = _run(
        programs, "build", "--base-image", "example.com/python:3.11", "--tag", "1", "--registry", "example.com/"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["example.com/driftloop:1  1,235 MB", "example.com/drift:1  1,235 MB"]
    builds = [line for line in _asked(programs) if line.startswith("docker build ")]
    assert len(builds) == 2
    assert "--target driftloop --tag example.com/driftloop:1 " in builds[0]
    assert "--target drift --tag example.com/drift:1 " in builds[1]
    for line in builds:
        assert f"--build-arg VERSION={VERSION}" in line
        assert "--build-arg BASE_IMAGE=example.com/python:3.11" in line
        assert "--secret" not in line


def test_secrets(programs: Path, tmp_path: Path) -> None:
    """Index and certificates are handed to the build as files; the index's address, which may hold a password, is not
    among the arguments.
    """
    certificates = tmp_path / "ca.crt"
    certificates.write_text("certificates")
    read = """case "$word" in id=index,src=*) read -r index <"${word#id=index,src=}"; echo "index is $index" ;; esac"""
    body = f"""for word; do {read}; done; case "$1" in images) echo '[{{"size": "1 GB"}}]' ;; esac"""
    _program(programs, "buildah", body)
    done = _run(programs, "build", PIP_INDEX_URL="https://me:secret@example.com/simple", PIP_CERT=str(certificates))
    assert done.returncode == 0, done.stderr
    assert "index is https://me:secret@example.com/simple" in done.stdout
    asked = "\n".join(_asked(programs))
    assert f"--secret id=certificates,src={certificates}" in asked
    assert "me:secret" not in asked


def test_absent_certificates(programs: Path) -> None:
    """A path that leads nowhere is told before anything is built."""
    _program(programs, "docker")
    done = _run(programs, "build", SSL_CERT_FILE="/nowhere/ca.crt")
    assert done.returncode == 2
    assert "There are no certificates at /nowhere/ca.crt." in done.stderr


def test_a_failed_build(programs: Path) -> None:
    """The engine's words are shown, and no other image is built."""
    _program(programs, "docker", 'case "$1" in build) echo "no such stage" >&2; exit 125 ;; esac')
    done = _run(programs, "build")
    assert done.returncode == 1
    assert "no such stage" in done.stderr
    assert "`docker build` failed with exit code 125" in done.stderr
    assert sum(line.startswith("docker build ") for line in _asked(programs)) == 1


def test_load(programs: Path) -> None:
    """docker hands images to kind itself; from the others they go by way of an archive."""
    _program(programs, "docker", 'case "$1" in image) echo 1 ;; esac')
    _program(programs, "buildah", """case "$1" in images) echo '[{"size": "1 GB"}]' ;; esac""")
    assert "`kind` is not installed" in _run(programs, "load").stderr
    _program(programs, "kind")
    assert _run(programs, "load", "--cluster", "other").returncode == 0
    assert f"kind load docker-image ghcr.io/driftloop/drift:{VERSION} --name other" in _asked(programs)
    assert _run(programs, "load", "--engine", "buildah").returncode == 0
    asked = _asked(programs)
    assert any(line.startswith(f"buildah push ghcr.io/driftloop/drift:{VERSION} docker-archive:") for line in asked)
    assert any(line.startswith("kind load image-archive ") and line.endswith(" --name driftloop") for line in asked)


def test_push(programs: Path) -> None:
    """Both images go where their names say; one that was never built is told."""
    _program(programs, "podman", 'case "$1 $4" in "image "*) echo 1 ;; esac')
    assert _run(programs, "push", "--registry", "example.com", "--tag", "2").returncode == 0
    pushed = [line for line in _asked(programs) if line.startswith("podman push")]
    assert pushed == ["podman push example.com/driftloop:2", "podman push example.com/drift:2"]
    _program(programs, "podman", 'case "$1" in image) exit 125 ;; esac')
    done = _run(programs, "push")
    assert done.returncode == 4
    assert f"podman has no image ghcr.io/driftloop/driftloop:{VERSION}." in done.stderr
