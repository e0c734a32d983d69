"""Write the hashed locks of requirements/, or check that they follow from pyproject.toml.

Needs the standard library and uv only: it runs where there is no environment yet.
"""

from __future__ import annotations

import argparse
import difflib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".tools" / "bin" / "uv"
COMPILE = ("pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", "3.11", "--no-header")
MAIN = ("--extra", "main", "--extra", "pocket")
LOCKS = {
    "tools": ("--group", "tools"),
    "main": ("pyproject.toml", *MAIN),
    "image": ("pyproject.toml", "--extra", "main", "--constraints", "requirements/main.txt"),
    "dev": ("pyproject.toml", *MAIN, "--group", "dev", "--constraints", "requirements/main.txt"),
    "drift": ("pyproject.toml", "--extra", "drift"),
    "drift-dev": (
        *("pyproject.toml", "--extra", "drift", "--group", "drift-dev"),
        *("--constraints", "requirements/drift.txt"),
    ),
}
"""Name of each lock → what it holds. `image` and `dev` keep the versions of `main`, so come after it; so do drift's."""
DIFF_LINES = 40


def main() -> int:
    """Exit code 1 if a lock is stale or cannot be resolved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a lock is stale")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    arguments = parser.parse_args()
    try:
        return check() if arguments.check else write("--upgrade" if arguments.upgrade else "--no-upgrade")
    except ResolutionError as error:
        print(error, file=sys.stderr)
        return 1


class ResolutionError(Exception):
    """uv could not resolve a lock; its words tell why."""


def write(upgrade: str) -> int:
    """Resolve every lock in its place; what still fits keeps its version."""
    for name in LOCKS:
        print(f"requirements/{name}.txt", flush=True)
        resolve(name, _path(name), upgrade)
    return 0


def check() -> int:
    """Resolve every lock beside its place and show what differs."""
    differences = [difference(name) for name in LOCKS]
    for lines in filter(None, differences):
        print("\n".join(lines[:DIFF_LINES]))
    if any(differences):
        print("The locks do not follow from pyproject.toml. Run `make lock` and commit requirements/.", file=sys.stderr)
        return 1
    print(f"Locks are fresh: {', '.join(LOCKS)}.")
    return 0


def difference(name: str) -> list[str]:
    """Lines of a diff from a lock to what it should be; none if it is fresh.

    What uv has cached often suffices to show that a lock is fresh; the index is asked only where it does not.
    """
    try:
        if not (lines := _difference(name, "--offline")):
            return lines
    except ResolutionError:
        pass  # the cache lacks something, which says nothing about the lock
    return _difference(name)


def _difference(name: str, *options: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / _path(name).name
        shutil.copy(_path(name), copy)
        resolve(name, copy, *options)
        old, new = _path(name).read_text().splitlines(), copy.read_text().splitlines()
    return list(difflib.unified_diff(old, new, f"requirements/{name}.txt", "resolved now", lineterm="", n=0))


def resolve(name: str, output: Path, *options: str) -> None:
    """Have uv resolve a lock into a file, whose present versions it prefers."""
    command = [str(UV), *COMPILE, *LOCKS[name], *options, "--output-file", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ResolutionError(_explain(name, done.stderr.strip()))


def _explain(name: str, words: str) -> str:
    signs = ("error sending request", "failed to fetch", "could not connect", "network connectivity")
    away = any(sign in words.lower() for sign in signs)
    reason = "the package index does not answer; try again with the network on" if away else "cannot be resolved"
    return f"requirements/{name}.txt: {reason}.\nuv says:\n{words}"


def _path(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.txt"


if __name__ == "__main__":
    sys.exit(main())
