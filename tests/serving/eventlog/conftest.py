"""A place on S3 and a sink for each test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventlog_parts import Place, Sink, placed

from contracts.settings import Settings


@pytest.fixture
def place(request: pytest.FixtureRequest, s3_settings: Settings, tmp_path: Path) -> Place:
    """A bucket of the test's own, with a registered version."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())
    return placed(s3_settings, tmp_path, f"el-{name}"[:60].strip("-"))


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Where window events go."""
    listening = Sink()
    yield listening
    listening.close()
