"""Every folder that is applied, rendered once."""

from __future__ import annotations

import pytest

from tests.manifests.renderings import CLUSTERS, FOLDERS, TRAINING, Json, rendered


@pytest.fixture(scope="session", params=FOLDERS)
def folder(request: pytest.FixtureRequest) -> str:
    """Base and each overlay."""
    return str(request.param)


@pytest.fixture(scope="session")
def rendering(folder: str) -> list[Json]:
    """Its objects."""
    return rendered(folder)


@pytest.fixture(scope="session", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> list[Json]:
    """Objects of each overlay that is for a cluster."""
    return rendered(str(request.param))


@pytest.fixture(scope="session", params=TRAINING)
def training(request: pytest.FixtureRequest) -> list[Json]:
    """Objects of each overlay for a cluster where the training pipeline runs."""
    return rendered(str(request.param))
