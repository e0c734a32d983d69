"""Both images, built without a registry: on Debian's Python, from a folder that debootstrap fills."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from image_container import Image, opened

from pocket.checkout import ROOT

PROGRAMS = ("buildah", "debootstrap", "runc")
"""Of the Debian packages of the same names."""
PLACE = Path("/var/cache/driftloop-image-proof")
"""What a second proof need not make again: the base image and layers. It may be deleted at any time."""
BASE = "localhost/driftloop/base:bookworm"
TAG = "proof"


@pytest.fixture(scope="session")
def builder() -> dict[str, str]:
    """Environment of a buildah with a storage of its own; it isolates by chroot, which works in a container too."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent or os.geteuid() != 0:
        pytest.skip(f"needs root and Debian's packages {', '.join(PROGRAMS)}; absent: {', '.join(absent) or 'root'}")
    PLACE.mkdir(mode=0o700, exist_ok=True)
    driver = os.environ.get("STORAGE_DRIVER", "overlay")
    places = f'driver = "{driver}"\nrunroot = "{PLACE}/run"\ngraphroot = "{PLACE}/storage"\n'
    (PLACE / "storage.conf").write_text(f"[storage]\n{places}")
    return {**os.environ, "CONTAINERS_STORAGE_CONF": str(PLACE / "storage.conf"), "BUILDAH_ISOLATION": "chroot"}


@pytest.fixture(scope="session")
def base(builder: dict[str, str]) -> str:
    """Name of a base image with Debian's own Python 3.11."""
    if subprocess.run(["buildah", "images", BASE], env=builder, capture_output=True, check=False).returncode:
        files = PLACE / "base"
        shutil.rmtree(files, ignore_errors=True)
        packages = "--include=python3,python3-venv,ca-certificates"
        subprocess.run(["debootstrap", "--variant=minbase", packages, "bookworm", str(files)], check=True)
        for cache in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(files / cache)
        (PLACE / "Dockerfile").write_text("FROM scratch\nCOPY base /\n")
        file = str(PLACE / "Dockerfile")
        subprocess.run(["buildah", "bud", "--tag", BASE, "--file", file, str(PLACE)], env=builder, check=True)
        shutil.rmtree(files)
    return BASE


@pytest.fixture(scope="session")
def built(builder: dict[str, str], base: str) -> dict[str, str]:
    """Full names of both images, by their short ones; built as a user does it."""
    driftloop = str(Path(sys.executable).with_name("driftloop"))
    command = [driftloop, "images", "build", "--engine", "buildah", "--base-image", base, "--tag", TAG]
    subprocess.run([*command, "--registry", "localhost/driftloop"], cwd=ROOT, env=builder, check=True)
    return {name: f"localhost/driftloop/{name}:{TAG}" for name in ("driftloop", "drift")}


@pytest.fixture(scope="session")
def images(builder: dict[str, str], built: dict[str, str]) -> Iterator[dict[str, Image]]:
    """Both images, opened."""
    with opened(built["driftloop"], builder) as driftloop, opened(built["drift"], builder) as drift:
        yield {"driftloop": driftloop, "drift": drift}


@pytest.fixture(params=["driftloop", "drift"])
def image(request: pytest.FixtureRequest, images: dict[str, Image]) -> Image:
    """Each image."""
    return images[request.param]
