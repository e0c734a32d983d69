"""Every object of ours has the form of its kind in each Kubernetes that is meant, and a slip in one is found."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import kubernetes_validate
import pytest

from tests.manifests.schemas import faults

OTHERS = {"ClusterStorageContainer"}
"""Kinds of third parties among the patches."""
CRDS = ("gateway.networking.k8s.io/v1",)
"""Of third parties' kinds of which we write objects."""
SLIPS = 25
Json = Any


@pytest.fixture(autouse=True, scope="module")
def read_once() -> Iterator[None]:
    """Each file of schemas is read once, not for each object."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kubernetes_validate.utils, "schema_contents", cache(kubernetes_validate.utils.schema_contents))
        yield


def test_every_object_is_valid(ours: list[Json], versions: Mapping[str, Any]) -> None:
    """No field that its schema does not know, none of the wrong type, none missing."""
    assert len(ours) > 30
    for found in ours:
        for version in versions["kubernetes"].values():
            if found["apiVersion"] in CRDS:
                assert faults(found, f"{version}.0") == []
            else:
                kubernetes_validate.validate(found, version, strict=True)


def test_only_known_kinds_are_patched(renderings: Mapping[str, list[Json]], ours: list[Json]) -> None:
    """What has no schema here is on the list."""
    everything = [found for objects in renderings.values() for found in objects]
    assert {found["kind"] for found in everything if "." in found["apiVersion"].partition("/")[0]} <= OTHERS | {
        *("NetworkPolicy", "GatewayClass")
    }


@pytest.mark.parametrize("seed", range(SLIPS))
def test_a_misspelt_field_is_caught(seed: int, ours: list[Json]) -> None:
    """Wherever it is, but in a map whose keys are free."""
    chance = random.Random(seed)
    found = copy.deepcopy(
        chance.choice([one for one in ours if one["kind"] in ("StatefulSet", "Job", "NetworkPolicy")])
    )
    place, name = chance.choice(list(_fields(found["spec"])))
    place[name + "x"] = place.pop(name)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(found, "1.35", strict=True)


FREE = ("matchLabels", "labels", "requests", "limits", "selector")


def _fields(value: Any) -> Iterator[tuple[Json, str]]:
    """Every field with the map it is in."""
    if isinstance(value, list):
        for item in value:
            yield from _fields(item)
    if isinstance(value, dict):
        for key, part in value.items():
            yield value, key
            if key not in FREE:
                yield from _fields(part)
