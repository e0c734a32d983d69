"""One API server for the tests that do not stop it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes_api import Api, running


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A running server."""
    with running(tmp_path_factory.mktemp("api")) as found:
        yield found
