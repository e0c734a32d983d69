"""One server for the tests that do not end it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pocket.kfp_api.pipelines_api import Api, running


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A running server."""
    with running(tmp_path_factory.mktemp("pipelines") / "home") as found:
        yield found
