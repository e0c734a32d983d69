"""What the images promise, shown on images that are built here: `make image-proof`.

Its name keeps it out of `make test`: to build takes minutes, packages of Debian's, and root.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from image_container import Image, said

pytestmark = pytest.mark.timeout(3600)  # the first test builds

SITE = "opt/environment/lib/python3.11/site-packages"
CODE = {
    "driftloop": ("components", "contracts", "feature_store", "pipelines", "serving", "scripts"),
    "drift": ("contracts", "serving.drift"),
}
"""By image, the packages of which every module must be importable in it."""
ELSEWHERE = {"driftloop": ("serving.drift.alibi_backend",), "drift": ()}
IMPORT = """
import importlib, pkgutil, sys
for package in sys.argv[1].split():
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if found.name not in sys.argv[2].split() and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
"""
WRITE = """
import os
assert os.getuid() == 10001 and os.getgid() == 10001, os.getuid()
open("/tmp/there", "w").close()
for place in ("/", "/opt/driftloop", "/opt/environment", "/etc", "/var/tmp"):
    try:
        open(place + "/file", "w")
    except OSError as error:
        assert error.errno == 30, error
    else:
        raise AssertionError(place)
"""


def test_it_stays_small(image: Image) -> None:
    """What is in it is what runs; that it grew by a fifth is noticed here."""
    parts = {path.name: _size(path) for path in [*(image.root / "opt").iterdir(), image.root / "usr"]}
    print(
        f"{image.reference}: {image.size / 1e6:,.0f} MB;", {name: f"{size / 1e6:.0f}" for name, size in parts.items()}
    )
    assert image.size < 1.4e9
    assert parts["driftloop"] < 10e6


def test_its_user_is_a_number(image: Image) -> None:
    """Kubernetes sees that it is not root's."""
    assert image.config["User"] == "10001:10001"


def test_it_says_what_it_is(image: Image) -> None:
    """Source, version, revision and licences; alibi-detect's is named where alibi-detect is."""
    labels = {name.rpartition(".")[2]: value for name, value in image.config["Labels"].items()}
    assert labels["version"] == "0.1.0"
    assert len(labels["revision"].removesuffix("-dirty")) == 40
    assert labels["source"].startswith("https://")
    assert ("BUSL-1.1" in labels["licenses"]) == (image.root / SITE / "alibi_detect").exists()


def test_it_runs_read_only(image: Image, tmp_path: Path) -> None:
    """As its user, with no right at all and only /tmp to write to."""
    said(image, tmp_path, ["python", "-c", WRITE])


def test_nothing_can_be_installed(image: Image, tmp_path: Path) -> None:
    """No pip is left, in the environment or below it."""
    for python in ("python", "/usr/bin/python3"):
        found = 'from importlib.util import find_spec; print([find_spec(name) for name in ("pip", "ensurepip")])'
        assert said(image, tmp_path, [python, "-c", found]).strip() == "[None, None]"


def test_nothing_of_the_build_is_left(image: Image, builder: dict[str, str]) -> None:
    """Neither what installs, nor a secret of the build in a file, a variable or the image's history."""
    assert not list((image.root / "opt").glob("tools*"))
    assert not list((image.root / "run" / "secrets").rglob("*"))
    asked = ["buildah", "inspect", "--type", "image", image.reference]
    told = subprocess.run(asked, env=builder, capture_output=True, text=True, check=True).stdout
    assert "INDEX_URL" not in told
    assert builder.get("PIP_CERT", "no certificates") not in told


def test_nobody_else_can_write_to_it(image: Image) -> None:
    """Its code and packages are root's, and only root's to change."""
    for path in (image.root / "opt").rglob("*"):
        about = path.lstat()
        assert about.st_uid == 0, path
        assert path.is_symlink() or not about.st_mode & 0o022, path


def test_it_is_compiled(image: Image) -> None:
    """Python finds the bytecode of every module of ours, for it could keep none."""
    sources = list((image.root / "opt" / "driftloop").rglob("*.py"))
    assert len(sources) > 100
    for source in sources:
        assert (source.parent / "__pycache__" / f"{source.stem}.cpython-311.pyc").is_file()


@pytest.mark.parametrize("name", ["driftloop", "drift"])
def test_every_module_has_what_it_imports(images: dict[str, Image], name: str, tmp_path: Path) -> None:
    """The image's lock names all that its code needs."""
    said(
        images[name],
        tmp_path,
        ["python", "-W", "ignore", "-c", IMPORT, " ".join(CODE[name]), " ".join(ELSEWHERE[name])],
    )


def test_the_command_line_is_there(image: Image, tmp_path: Path) -> None:
    """`driftloop` answers in both."""
    assert "Keep a model honest" in said(image, tmp_path, ["driftloop", "--help"])


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
