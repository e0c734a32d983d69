"""A container of an image, as a cluster would run it: by runc, without root, rights or a root it can write to."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TMPFS = {"type": "tmpfs", "source": "tmpfs"}
MOUNTS: list[dict[str, Any]] = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", **TMPFS, "options": ["nosuid", "mode=755", "size=65536k"]},
    {"destination": "/dev/shm", **TMPFS, "options": ["nosuid", "nodev", "noexec", "mode=1777", "size=65536k"]},
    {"destination": "/tmp", **TMPFS, "options": ["nosuid", "nodev", "mode=1777"]},
]
"""All that a container can write to is /tmp and /dev/shm, which are emptied with it."""
RIGHTS = ("bounding", "effective", "permitted", "inheritable", "ambient")


@dataclass(frozen=True)
class Image:
    """An image's files, and how it says it is run."""

    reference: str
    root: Path
    config: dict[str, Any]
    """`config` of the OCI image specification."""
    size: int
    """Bytes of its layers, unpacked."""


@contextmanager
def opened(reference: str, env: Mapping[str, str]) -> Iterator[Image]:
    """The image of a name in buildah's storage, mounted."""

    def buildah(*arguments: str) -> str:
        done = subprocess.run(["buildah", *arguments], env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    working = buildah("from", "--pull-never", reference)
    try:
        told = json.loads(buildah("inspect", "--type", "image", reference))
        root = Path(buildah("mount", working))
        size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        yield Image(reference, root, told["OCIv1"]["config"], size)
    finally:
        buildah("umount", working)
        buildah("rm", working)


def specification(
    image: Image, command: Sequence[str], env: Mapping[str, str], volumes: Mapping[str, Path]
) -> dict[str, Any]:
    """The container as runc wants it told. It shares the machine's network, for its servers are on loopback."""
    uid, gid = (int(part) for part in image.config["User"].split(":"))
    binds = [
        {"destination": place, "type": "bind", "source": str(path), "options": ["bind", "rw"]}
        for place, path in volumes.items()
    ]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": uid, "gid": gid},
            "args": list(command),
            "env": [*image.config["Env"], *(f"{name}={value}" for name, value in env.items())],
            "cwd": image.config["WorkingDir"],
            "capabilities": {kind: [] for kind in RIGHTS},
            "noNewPrivileges": True,
        },
        "root": {"path": str(image.root), "readonly": True},
        "mounts": MOUNTS + binds,
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        },
    }


@contextmanager
def container(
    image: Image,
    folder: Path,
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    volumes: Mapping[str, Path] | None = None,
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A running container and its log, both of which are below a folder; it is killed if it still runs."""
    name = f"driftloop-{uuid.uuid4().hex[:12]}"
    bundle, log = folder / name, folder / f"{name}.log"
    bundle.mkdir()
    (bundle / "config.json").write_text(json.dumps(specification(image, command, env or {}, volumes or {})))
    line = ["runc", "--root", str(folder / "runc"), "run", "--bundle", str(bundle), name]
    with log.open("wb") as output, subprocess.Popen(line, stdout=output, stderr=output) as process:
        try:
            yield process, log
        finally:
            if process.poll() is None:
                subprocess.run(["runc", "--root", str(folder / "runc"), "delete", "--force", name], check=True)


def said(
    image: Image,
    folder: Path,
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    volumes: Mapping[str, Path] | None = None,
) -> str:
    """What a container says that ends by itself, and well."""
    with container(image, folder, command, env, volumes) as (process, log):
        code = process.wait(600)
    assert code == 0, log.read_text()
    return log.read_text()
