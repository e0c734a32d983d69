"""JSON schemas of V1 requests and answers for one model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations

from feature_store.contract import EVENT_TIME
from serving.predictor.dataplane import DataPlane
from serving.predictor.openapi.values import Schema, position, value
from serving.predictor.protocols.identity import MAX_ID


def request(plane: DataPlane) -> Schema:
    """Objects {feature: value}, or lists in the features' order; an object may tell which row it is, too."""
    features = {feature.name: value(feature, plane) for feature in plane.card.features}
    objects = [_object(features | {name: _identity(name) for name in told}) for told in _subsets(plane.layout.beside)]
    places = [position(feature, plane) for feature in plane.card.features]
    matrix = {"type": "array", "prefixItems": places, "minItems": len(places), "maxItems": len(places)}
    rows = {"type": "array", "minItems": 1, "maxItems": plane.max_rows}
    kinds = [rows | {"items": items} for items in (*objects, matrix)]
    return {"type": "object", "required": ["instances"], "properties": {"instances": {"anyOf": kinds}}}


def answer(plane: DataPlane) -> Schema:
    """A label and the probability of every label, for each instance; of a regression a number."""
    prediction: Schema = {"type": "number"}
    if plane.card.task == "classification":
        probability = {"type": "number", "minimum": 0, "maximum": 1}
        probabilities = _object({label: probability for label in plane.card.labels})  # noqa: C420 - it is JSON soon
        prediction = _object({"label": {"enum": list(plane.card.labels)}, "probabilities": probabilities})
    return _object({"predictions": {"type": "array", "items": prediction}})


def _subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """All instances have the same columns of identity, whichever those are."""
    return chain.from_iterable(combinations(names, count) for count in range(len(names) + 1))


def _object(properties: dict[str, Schema]) -> Schema:
    closed = {"required": list(properties), "additionalProperties": False}
    return {"type": "object", "properties": properties, **closed}


def _identity(name: str) -> Schema:
    if name == EVENT_TIME:
        return {"type": "string", "format": "date-time"}
    return {"type": "string", "minLength": 1, "maxLength": MAX_ID}
