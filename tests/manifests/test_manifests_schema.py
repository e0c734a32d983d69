"""Every object of every rendering has the form of its kind, and a slip in one is found."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from tests.manifests.closure import missing, name_of
from tests.manifests.renderings import (
    CLUSTERS,
    OPTIONS,
    PRODUCTION,
    TRAINING,
    Json,
    choices,
    options_of,
    rendered,
)
from tests.manifests.schemas import VERSIONS, faults, named, schema_of

SLIPS = 20
pytestmark = pytest.mark.timeout(300)  # dozens of renderings, perhaps on a busy machine


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(version: str, everything: list[Json]) -> None:
    """Whatever is chosen: kinds that are known, and no field that their schemas do not know."""
    assert len(everything) > 40
    assert [(found["kind"], found["metadata"]["name"], faults(found, version)) for found in everything] == [
        (found["kind"], found["metadata"]["name"], []) for found in everything
    ]


def test_nothing_that_an_option_brings_hangs_on_another() -> None:
    """What is named is there, whichever options are chosen."""
    assert len(choices()) == 2 ** len(OPTIONS)
    assert {options: missing(objects) for options, objects in choices().items() if missing(objects)} == {}


@pytest.mark.parametrize("overlay", TRAINING)
def test_an_overlay_is_a_list_of_choices(overlay: str) -> None:
    """In whatever order it lists its options, it is base with these; kind has ports for this machine besides."""
    chosen = choices()[tuple(sorted(options_of(overlay)))]
    assert [found for found in chosen if found not in rendered(overlay)] == []
    besides = [found for found in rendered(overlay) if found not in chosen]
    assert {name_of(found)[1] for found in besides}.isdisjoint({"driftloop"})
    assert len([found for found in besides if found["kind"] == "Service"]) == (5 if overlay.endswith("kind") else 0)


def test_production_differs_in_where_staging_is() -> None:
    """Base with its options, but for settings, the way to S3 and to the pipelines, and policies of steps."""
    chosen = {name_of(found): found for found in choices()[tuple(sorted(options_of(PRODUCTION)))]}
    there = {name_of(found): found for found in rendered(PRODUCTION)}
    assert {name for name in chosen | there if chosen.get(name) != there.get(name)} == {
        ("ConfigMap", "driftloop", "driftloop-settings"),
        ("NetworkPolicy", "driftloop", "s3"),
        ("NetworkPolicy", "driftloop", "pipelines"),
        ("NetworkPolicy", "kubeflow", "driftloop-training-steps"),
    }
    assert there.keys() < chosen.keys()


def test_names_are_given_once(folder: str, rendering: list[Json]) -> None:
    """No two objects of a kind have one name; beside the loop's namespace, only that of the pipelines is written to."""
    names = [
        (found["apiVersion"], found["kind"], found["metadata"].get("namespace"), found["metadata"]["name"])
        for found in rendering
    ]
    assert len(names) == len(set(names))
    places = {found["metadata"].get("namespace") for found in rendering if found["kind"] != "Namespace"}
    ports = {"kourier-system", "knative-eventing", "object-store", "mlflow"} if folder.endswith("kind") else set()
    assert places - ports == ({"driftloop", "kubeflow"} if folder in TRAINING else {"driftloop"})


@pytest.mark.parametrize("seed", range(SLIPS))
def test_a_misspelt_field_is_caught(seed: int, everything: list[Json]) -> None:
    """Wherever it is: two letters of a field's name have changed places."""
    chance = random.Random(seed)
    for version in VERSIONS:
        found, place, name = _field(chance, everything, version)
        place[misspelt(name)] = place.pop(name)
        assert any(misspelt(name) in fault for fault in faults(found, version)), (found["kind"], name)


@pytest.mark.parametrize("seed", range(SLIPS))
def test_a_value_of_the_wrong_type_is_caught(seed: int, everything: list[Json]) -> None:
    """A map stands where a word or a number is asked for."""
    chance = random.Random(seed)
    for version in VERSIONS:
        found, place, name = _field(chance, everything, version, scalar=True)
        place[name] = {"no": "scalar"}
        assert faults(found, version), (found["kind"], name)


@pytest.mark.parametrize("kind", ["Rolle", "NetworkPolicies", ""])
def test_a_kind_that_nobody_knows_is_caught(kind: str) -> None:
    """A misspelt kind has no schema, which is no leave."""
    found = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": "x"}}
    assert all(faults(found, version) for version in VERSIONS)


def test_every_cluster_has_an_overlay() -> None:
    """The three that there are to be."""
    assert {folder.rpartition("/")[2] for folder in CLUSTERS} == {"kind", "staging", "production"}


def _field(chance: random.Random, everything: list[Json], version: str, scalar: bool = False) -> tuple[Json, Json, str]:
    """A copy of an object, a map in it and one of its keys, drawn from all fields of all objects."""
    objects = copy.deepcopy(everything)
    all_fields: list[tuple[Json, Json, str]] = []
    for found in objects:
        all_fields += [(found, place, key) for place, key in named(schema_of(found, version), found)]
    fits = [one for one in all_fields if (_is_scalar(one[1][one[2]]) if scalar else misspelt(one[2]) != one[2])]
    fits = [one for one in fits if not (one[1] is one[0] and one[2] in ("apiVersion", "kind"))]  # without them: no kind
    return chance.choice(fits)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int)


def misspelt(name: str) -> str:
    """The name with its second and third letter changed over."""
    return name[:1] + name[2:3] + name[1:2] + name[3:]
