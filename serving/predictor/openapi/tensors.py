"""JSON schemas of V2 requests and answers for one model."""

from __future__ import annotations

from typing import Any

from contracts.model import VALUE
from serving.predictor.dataplane import DataPlane
from serving.predictor.openapi.values import Schema, number, one_of_each, text
from serving.predictor.protocols.datatypes import DATATYPES
from serving.predictor.protocols.outputs import names_of

_NUMERIC = [name for name, datatype in DATATYPES.items() if not datatype.is_text]
_SIZE = {"type": "integer", "minimum": 0}


def request(plane: DataPlane) -> Schema:
    """One tensor a feature, or the matrix. That shapes and lengths of data agree is more than a schema can say."""
    matrix = {"type": "array", "minItems": 1, "maxItems": 1, "items": _matrix(plane)}
    kinds = [_column(name, categories is not None, plane) for name, categories in _columns(plane).items()]
    columns = {"type": "array", "minItems": len(plane.card.features), "items": {"oneOf": kinds}}
    properties = {
        "id": {"type": "string", "description": "Comes back with the answer."},
        "parameters": {"type": "object", "properties": {"binary_data_output": {"type": "boolean"}}},
        "inputs": {
            "anyOf": [matrix, columns],
            "description": "One matrix, or each feature once and all with the same number of rows, "
            f"at most {plane.max_rows}.",
        },
        "outputs": {"type": "array", "items": _wanted(plane), "description": "All outputs if it is absent or empty."},
    }
    examples = [{"inputs": [_example_matrix(plane)]}, {"id": "1", "inputs": _example_columns(plane)}]
    return {"type": "object", "required": ["inputs"], "properties": properties, "examples": examples}


def answer(plane: DataPlane) -> Schema:
    """The outputs, each with its data, or in the binary form with its number of bytes."""
    properties = {
        "model_name": {"const": plane.name},
        "model_version": {"const": plane.version},
        "id": {"type": "string"},
        "outputs": {"type": "array", "items": {"oneOf": _outputs(plane)}},
    }
    return {"type": "object", "required": ["model_name", "model_version", "outputs"], "properties": properties}


def _outputs(plane: DataPlane) -> list[Schema]:
    if plane.card.task == "regression":
        return [_output(VALUE, "FP32", 1, {"type": "number"})]
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    return [
        _output("probabilities", "FP32", 2, probability),
        _output("label", "BYTES", 1, {"enum": list(plane.card.labels)}),
    ]


def _columns(plane: DataPlane) -> dict[str, Any]:
    known = {feature.name: feature.categories for feature in plane.card.features}
    return known | dict.fromkeys(plane.layout.beside, ())


def _matrix(plane: DataPlane) -> Schema:
    features = len(plane.card.features)
    rows = {"type": "integer", "minimum": 1, "maximum": plane.max_rows}
    shape = {"type": "array", "prefixItems": [rows, {"const": features}], "minItems": 2, "maxItems": 2}
    values = {"type": "array", "items": {"type": "array", "items": number(plane), "minItems": features}}
    return _tensor(
        {"type": "string", "not": {"enum": list(_columns(plane))}},
        ["FP32", "FP64"],
        shape,
        {"anyOf": [{"type": "array", "items": number(plane), "minItems": features}, values]},
        f"[rows, {features}] in the features' order; a category is its position in {one_of_each(plane)}.",
    )


def _column(name: str, is_text: bool, plane: DataPlane) -> Schema:
    rows = {"type": "integer", "minimum": 1, "maximum": plane.max_rows}
    shape = {"type": "array", "prefixItems": [rows, {"const": 1}], "minItems": 1, "maxItems": 2}
    feature = next((feature for feature in plane.card.features if feature.name == name), None)
    value = {"type": "string"} if feature is None else text(feature, plane) if is_text else number(plane)
    data = {"type": "array", "items": value, "minItems": 1}
    return _tensor({"const": name}, ["BYTES"] if is_text else _NUMERIC, shape, data, "[rows] or [rows, 1].")


def _tensor(name: Schema, datatypes: list[str], shape: Schema, data: Schema, description: str) -> Schema:
    properties = {"name": name, "datatype": {"enum": datatypes}, "shape": shape, "data": data}
    return {"type": "object", "required": list(properties), "properties": properties, "description": description}


def _wanted(plane: DataPlane) -> Schema:
    parameters = {"type": "object", "properties": {"binary_data": {"type": "boolean"}}}
    return {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"enum": list(names_of(plane))}, "parameters": parameters},
    }


def _output(name: str, datatype: str, dimensions: int, value: Schema) -> Schema:
    shape = {"type": "array", "items": _SIZE, "minItems": dimensions, "maxItems": dimensions}
    properties = {
        "name": {"const": name},
        "datatype": {"const": datatype},
        "shape": shape,
        "data": {"type": "array", "items": value},
        "parameters": {"type": "object", "properties": {"binary_data_size": _SIZE}},
    }
    return {"type": "object", "required": ["name", "datatype", "shape"], "properties": properties}


def _example_matrix(plane: DataPlane) -> dict[str, Any]:
    features = len(plane.card.features)
    return {"name": "matrix", "datatype": "FP32", "shape": [1, features], "data": [0] * features}


def _example_columns(plane: DataPlane) -> list[dict[str, Any]]:
    return [
        {"name": feature.name, "shape": [1], "datatype": "FP32", "data": [0.5]}
        if feature.categories is None
        else {"name": feature.name, "shape": [1], "datatype": "BYTES", "data": [feature.categories[0]]}
        for feature in plane.card.features
    ]
