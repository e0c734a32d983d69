"""One home with running controllers, for the tests that kill none of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from controllers_parts import Home, running, runtime, stand_in


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory, plain_env: dict[str, str]) -> Iterator[Home]:
    """The API, the controllers and a ServingRuntime of the small server."""
    folder = tmp_path_factory.mktemp("controllers")
    with running(folder / "home", plain_env) as found:
        found.apply(runtime(stand_in(folder)))
        yield found
