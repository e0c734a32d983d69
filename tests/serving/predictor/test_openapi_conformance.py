"""Requests made up from the OpenAPI document, right and wrong ones, against the process: it does what is written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from predictor_process import Server

SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = [400, 413, 415]

# Whether lengths of data and shapes agree, and every feature is there once, is beyond a schema.
[[operations]]
include-operation-id = "infer"
checks.positive_data_acceptance.enabled = false
"""


def test_made_up_requests(sturdy_server: Server, tmp_path: Path) -> None:
    """No server's error, no status, type or body that the document does not tell; what breaks the schema is refused."""
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS)
    bounds = ("--max-examples", "5", "--phases", "coverage,fuzzing", "--generation-deterministic", "--no-color")
    others = ("--exclude-operation-id", "inferVersion")  # infer under another address
    line = [str(Path(sys.executable).with_name("st")), "--config-file", str(settings), "run", *bounds, *others]
    done = subprocess.run(
        [*line, "--suppress-health-check", "all", f"{sturdy_server.url}/openapi.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "18 selected / 19 total" in done.stdout
