"""A loop of the test's own, on the session's S3 server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from trigger_parts import write_loop

from contracts.settings import Settings


@pytest.fixture
def loop(request: pytest.FixtureRequest) -> str:
    """Its name."""
    return re.sub(r"[^a-z0-9]+", "_", request.node.name.lower())[5:40].strip("_")


@pytest.fixture
def loops(tmp_path: Path, loop: str) -> Path:
    """Folder with its file."""
    folder = tmp_path / "loops"
    folder.mkdir()
    write_loop(folder, loop)
    return folder


@pytest.fixture
def bucket(s3_settings: Settings) -> str:
    """Where the trigger keeps its objects."""
    return s3_settings.data_bucket
