"""JSON schemas of single values, as one model takes them."""

from __future__ import annotations

from typing import Any

from contracts.model import Feature
from serving.predictor.dataplane import DataPlane

Schema = dict[str, Any]
_BEYOND = 2.0**128 - 2.0**103
"""The least number that FP32 rounds to infinity."""


def number(plane: DataPlane) -> Schema:
    """A number within the range of FP32; null is a missing one, if the model takes that."""
    kinds = ["number", "boolean", *_null(plane)]
    return {"type": kinds, "exclusiveMinimum": -_BEYOND, "exclusiveMaximum": _BEYOND}


def text(feature: Feature, plane: DataPlane) -> Schema:
    """A category. Another text counts as missing, if the model takes that."""
    known = list(feature.categories or ())
    if not plane.classifier.accepts_missing:
        return {"enum": known}
    return {"type": ["string", "null"], "examples": known, "description": "Any other text counts as missing."}


def value(feature: Feature, plane: DataPlane) -> Schema:
    """What a row may have for a feature."""
    return number(plane) if feature.categories is None else text(feature, plane)


def position(feature: Feature, plane: DataPlane) -> Schema:
    """What a row of a matrix may have for a feature: a category is its position."""
    if feature.categories is None:
        return number(plane)
    return {"type": ["integer", "boolean", *_null(plane)], "minimum": 0, "maximum": len(feature.categories) - 1}


def one_of_each(plane: DataPlane) -> dict[str, list[str]]:
    """The categories of every feature that has some."""
    return {f.name: list(f.categories) for f in plane.card.features if f.categories is not None}


def _null(plane: DataPlane) -> list[str]:
    return ["null"] if plane.classifier.accepts_missing else []
