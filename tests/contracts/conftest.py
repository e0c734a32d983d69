"""The session's S3 server, as the object store reaches it."""

from __future__ import annotations

import re

import pytest

from contracts.objects import ObjectStore
from contracts.settings import Settings


@pytest.fixture
def store(s3_settings: Settings) -> ObjectStore:
    """The session's server."""
    return ObjectStore(s3_settings)


@pytest.fixture
def place(request: pytest.FixtureRequest, s3_settings: Settings) -> str:
    """A prefix of the test's own."""
    return f"s3://{s3_settings.data_bucket}/contracts/{re.sub(r'[^a-z0-9_]', '-', request.node.name)}"
