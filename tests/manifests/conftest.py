"""Every folder that is applied, rendered once."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.manifests.renderings import CLUSTERS, FOLDERS, TRAINING, Json, choices, rendered


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


@pytest.fixture(scope="session")
def everything() -> list[Json]:
    """Each different object of all renderings, those with options too."""
    objects = itertools.chain(*(rendered(folder) for folder in FOLDERS), *choices().values())
    return [json.loads(text) for text in dict.fromkeys(json.dumps(found, sort_keys=True) for found in objects)]
