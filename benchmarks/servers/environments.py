"""The other servers' environments, made from their locks. One that is there and fits is used again."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from contracts.errors import UnavailableError
from contracts.model import sha256_of
from pocket.progress import Progress, Step

PEERS = Path(__file__).resolve().parent / "peers"
"""Their locks, what each lock follows from, and the servers that have to be written first."""
_UV = Path(__file__).resolve().parents[2] / ".tools" / "bin" / "uv"
_MADE = "made-from"
"""File in an environment that holds the digest of its lock. It is written last."""


def environment(name: str, folder: Path, on_progress: Progress) -> Path:
    """The folder of programs of a peer's environment. UnavailableError with uv's words if it cannot be made."""
    lock, place = PEERS / f"{name}.txt", folder / name
    digest = sha256_of(lock)
    made = place / _MADE
    if not made.exists() or made.read_text() != digest:
        on_progress(Step(name, "its environment is being made"))
        shutil.rmtree(place, ignore_errors=True)
        _uv("venv", "--python", "3.11", str(place))
        _uv("pip", "sync", "--python", str(place), "--require-hashes", "--compile-bytecode", str(lock))
        made.write_text(digest)
        on_progress(Step(name, "its environment is made", done=True))
    return place / "bin"


def _uv(*arguments: str) -> None:
    program = str(_UV) if _UV.exists() else "uv"
    try:
        subprocess.run([program, "--quiet", *arguments], capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise UnavailableError("uv is not installed.", "`make setup` installs it in .tools/.") from error
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip()
        raise UnavailableError(f"uv failed. It says:\n{words}", "Try again with the network on.") from error
