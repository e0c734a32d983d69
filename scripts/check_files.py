"""Check every file git tracks: none is large, none names the host of a package registry, and links between pages hold.

Which registry to use is each machine's own setting: a host in a file would override it, or not be reached at all.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 1_000_000
# In parts, so that this file does not name them either.
REGISTRY_HOSTS = (
    ("pypi", "org"),
    ("python" + "hosted", "org"),
    ("npmjs", "org"),
    ("yarnpkg", "com"),
    ("crates", "io"),
    ("proxy", "golang", "org"),
    ("maven", "org"),
    ("deb", "debian", "org"),
    ("archive", "ubuntu", "com"),
    ("anaconda", "org"),
)
HOST = re.compile("|".join(re.escape(".".join(parts)) for parts in REGISTRY_HOSTS).encode(), re.IGNORECASE)

LINK = re.compile(r"\]\(([^)#:]+)[^):]*\)")
"""A Markdown link to another file; an address has a colon."""


def main() -> int:
    """Exit code 1 and a line for each fault, if there is any."""
    paths = tracked()
    faults = [fault for path in paths for fault in inspect(path.relative_to(ROOT), path.read_bytes())]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(paths)} tracked files, {len(faults)} faults.")
    return 1 if faults else 0


def tracked() -> list[Path]:
    """Regular files that git tracks and that are there."""
    command = ["git", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = (ROOT / name for name in listing.split("\0") if name)
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def inspect(name: Path, body: bytes) -> Iterator[str]:
    """What is wrong with one file."""
    if len(body) > MAX_BYTES:
        yield f"{name}: {len(body):,} bytes, more than {MAX_BYTES:,}; make it when it is needed, or store it elsewhere."
    for number, line in enumerate(body.splitlines(), start=1):
        if found := HOST.search(line):
            yield f"{name}:{number}: names the registry {found.group().decode()}; leave that to the machine's settings."
    if name.suffix == ".md":
        targets = LINK.findall(body.decode())
        yield from (f"{name}: nothing is at {link}." for link in targets if not (ROOT / name.parent / link).exists())


if __name__ == "__main__":
    sys.exit(main())
