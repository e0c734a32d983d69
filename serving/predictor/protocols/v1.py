"""The V1 protocol: {"instances": […]} → {"predictions": […]}.

An instance is an object {feature: value} or, in matrix form, a list of numbers in the features' order. null is missing.
Each object may have the columns of identity, too.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import orjson

from feature_store.contract import EVENT_TIME, ROW_ID
from feature_store.matrix import Matrix
from serving.errors import InvalidRequestError, shown
from serving.predictor.dataplane import DataPlane, Prediction
from serving.predictor.protocols.body import JSON, json_object
from serving.predictor.protocols.exchange import HttpAnswer
from serving.predictor.protocols.identity import identity_of
from serving.predictor.rows import UNTOLD, Rows

_NUMBERS = frozenset({int, float, bool, type(None)})


class V1Exchange:
    """A V1 request and its answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def decode(self, plane: DataPlane) -> Rows:
        """The instances as rows."""
        instances = _instances(json_object(self._body))
        if not all(type(instance) is type(instances[0]) for instance in instances):
            raise InvalidRequestError("The instances are of mixed kinds; expected all objects or all lists of numbers.")
        if instances and isinstance(instances[0], list):
            return Rows(_from_lists(instances, plane), None, UNTOLD)
        return _from_objects(instances, plane)

    def encode(self, plane: DataPlane, prediction: Prediction) -> HttpAnswer:
        """A label and the probability of every label, for each instance; of a regression the number alone."""
        return HttpAnswer(orjson.dumps({"predictions": _predictions(plane, prediction)}), {"content-type": JSON})


def _predictions(plane: DataPlane, prediction: Prediction) -> list[Any]:
    rows = prediction.probabilities.tolist()
    if prediction.labels is None:
        return [value for (value,) in rows]
    names = plane.card.labels
    return [
        {"label": label, "probabilities": dict(zip(names, row, strict=True))}
        for label, row in zip(prediction.labels, rows, strict=True)
    ]


def _instances(body: dict[str, Any]) -> list[Any]:
    instances = body.get("instances")
    if not isinstance(instances, list):
        raise InvalidRequestError(f"'instances' is {shown(instances)}; expected a list of objects {{feature: value}}.")
    for row, instance in enumerate(instances):
        if not isinstance(instance, (dict, list)):
            raise InvalidRequestError(f"Instance {row} is {shown(instance)}; expected an object {{feature: value}}.")
    return instances


def _from_objects(instances: list[dict[str, Any]], plane: DataPlane) -> Rows:
    if len(instances) == 1 and instances[0].keys() == plane.layout.places.keys():
        values = [instances[0][name] for name in plane.feature_names]
        matrix = plane.from_row(values)
        if matrix is not None:
            return Rows(matrix, [[value] for value in values], UNTOLD)
    return _from_columns(instances, plane)


def _from_columns(instances: list[dict[str, Any]], plane: DataPlane) -> Rows:
    names = plane.feature_names
    told = [name for name in plane.layout.beside if instances and name in instances[0]]
    expected = {*names, *told}
    for row, instance in enumerate(instances):
        if instance.keys() != expected:
            raise _wrong_names(row, instance, names, told)
    columns = {name: [instance[name] for instance in instances] for name in names}
    matrix = plane.from_columns(columns)
    identity = identity_of({name: [instance[name] for instance in instances] for name in told}, len(matrix))
    return Rows(matrix, list(columns.values()), identity)


def _wrong_names(row: int, instance: dict[str, Any], names: list[str], told: list[str]) -> InvalidRequestError:
    for name in names:
        if name not in instance:
            return InvalidRequestError(f"Feature {name!r} is missing from instance {row}; expected {names}.")
    for name in (ROW_ID, EVENT_TIME):
        if (name in instance) != (name in told) and name not in names:
            return InvalidRequestError(f"Only some instances have {name!r}, see instance {row}; expected all or none.")
    unknown = next(name for name in instance if name not in names and name not in told)
    return InvalidRequestError(f"Unknown feature {shown(unknown)} in instance {row}; expected {names}.")


def _from_lists(instances: list[list[Any]], plane: DataPlane) -> Matrix:
    names = plane.feature_names
    for row, instance in enumerate(instances):
        if len(instance) != len(names):
            raise InvalidRequestError(
                f"Instance {row} has {len(instance)} values; expected {len(names)}, one for each of {names}."
            )
        if not _NUMBERS.issuperset(map(type, instance)):
            name, value = next(
                (name, value) for name, value in zip(names, instance, strict=True) if type(value) not in _NUMBERS
            )
            raise InvalidRequestError(f"Feature {name!r} is {shown(value)} in row {row}; expected a number or null.")
    matrix = plane.from_values(list(chain.from_iterable(instances)), len(instances))
    if matrix is not None:
        return matrix
    return plane.from_matrix(np.array(instances, dtype=np.float64).reshape(len(instances), len(names)))
