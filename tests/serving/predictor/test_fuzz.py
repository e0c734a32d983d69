"""The benchmark that sends what no client should, in its short form: a few seconds of its hundred thousand requests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[3] / "benchmarks" / "fuzz.py"


def test_nothing_a_client_sends_hurts(tmp_path: Path) -> None:
    """No answer blames the server, its log has no error, and it goes on as before."""
    line = [sys.executable, str(FUZZ), "--requests", "2500", "--seed", "2"]
    done = subprocess.run(
        line,
        cwd=FUZZ.parents[1],
        env={"DRIFTLOOP_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("holds") == 4
