"""A process that reads the table `trips` of the source SOURCE_URI and writes its rows and how far its memory grew."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from contracts.settings import Settings
from feature_store.sources.open import open_source
from feature_store.sources.source import Table


def main() -> None:
    """Write {"rows": …, "grown_mb": …}: the peak while reading, over what was resident before."""
    source = open_source(os.environ["SOURCE_URI"], Settings.from_env(), {})
    before = _resident_kb("VmRSS")
    rows = sum(len(batch) for batch in source.read(Table("trips", "at", ("at", "n", "text")), None))
    sys.stdout.write(json.dumps({"rows": rows, "grown_mb": (_resident_kb("VmHWM") - before) // 1024}))


def _resident_kb(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


if __name__ == "__main__":
    main()
