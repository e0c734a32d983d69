"""Every object of every rendering has the form of its kind, and a slip in one is found."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from pocket.kubernetes.kinds import KINDS, Kind
from pocket.kubernetes.schema import child, fit
from pocket.kubernetes.status_error import Json, StatusError

SLIPS = 20


class Closed(Kind):
    """A kind whose every field is named: Knative's own schemas let anything pass in a Trigger."""

    @property
    def schema(self) -> Json:
        """Its schema, which knows no field but those it names."""
        return closed(super().schema)


OF_KIND = {(kind.api_version, kind.name): Closed(**vars(kind)) for kind in KINDS}


def test_every_object_is_valid(folder: str, rendering: list[Json]) -> None:
    """Each has a kind that is known, a name, and no field that its schema does not know."""
    assert rendering
    for found in rendering:
        assert found["metadata"]["name"]
        assert fit(kind_of(found), found, "Strict")[1] == []


def test_names_are_given_once(folder: str, rendering: list[Json]) -> None:
    """No two objects of a kind have one name, and all are in the loop's namespace."""
    names = [(found["kind"], found["apiVersion"], found["metadata"]["name"]) for found in rendering]
    assert len(names) == len(set(names))
    places = {found["metadata"].get("namespace") for found in rendering if found["kind"] != "Namespace"}
    assert places == {"driftloop"}


@pytest.mark.parametrize("seed", range(SLIPS))
def test_a_misspelt_field_is_caught(seed: int, folder: str, rendering: list[Json]) -> None:
    """Wherever it is: two letters of a field's name have changed places."""
    chance = random.Random(seed)
    found = copy.deepcopy(chance.choice(rendering))
    kind = kind_of(found)
    place, name = chance.choice([(part, key) for part, key in named(kind.schema, found) if misspelt(key) != key])
    place[misspelt(name)] = place.pop(name)
    with pytest.raises(StatusError, match=misspelt(name)):
        fit(kind, found, "Strict")


@pytest.mark.parametrize("seed", range(SLIPS))
def test_a_value_of_the_wrong_type_is_caught(seed: int, folder: str, rendering: list[Json]) -> None:
    """A map stands where a word or a number is asked for."""
    chance = random.Random(seed)
    found = copy.deepcopy(chance.choice(rendering))
    kind = kind_of(found)
    scalars = [(part, key) for part, key in named(kind.schema, found) if isinstance(part[key], str | int)]
    place, name = chance.choice(scalars)
    place[name] = {"no": "scalar"}
    with pytest.raises(StatusError, match=name):
        fit(kind, found, "Strict")


def closed(schema: Json) -> Json:
    """The schema without its leave for fields it does not name."""
    inner = {name: closed(part) for name, part in schema.get("properties", {}).items()}
    made = {**schema, **({"properties": inner, "additionalProperties": False} if inner else {})}
    made |= {name: closed(made[name]) for name in ("items", "additionalProperties") if isinstance(made.get(name), dict)}
    return made


def kind_of(found: Json) -> Kind:
    """The kind of an object."""
    return OF_KIND[found["apiVersion"], found["kind"]]


def named(schema: Json, value: Any) -> Iterator[tuple[Json, str]]:
    """Every field that a schema names, with the map it is in; not the keys that are free, such as those of labels."""
    if isinstance(value, list):
        for item in value:
            yield from named(schema.get("items", {}), item)
    if isinstance(value, dict):
        for key, part in value.items():
            if schema.get("additionalProperties") is False:
                yield value, key
            yield from named(child(schema, key), part)


def misspelt(name: str) -> str:
    """The name with its second and third letter changed over."""
    return name[:1] + name[2:3] + name[1:2] + name[3:]
