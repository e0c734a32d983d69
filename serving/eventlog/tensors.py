"""Columns and scores of the bodies of KServe's protocols: V2 JSON, and V1."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, NonNegativeInt

from contracts.errors import DataError


class Tensor(BaseModel):
    """Of V2, one row a row."""

    name: str
    shape: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1, max_length=2)]
    data: list[Any]

    def columns(self) -> dict[str, list[Any]]:
        """One by its name, several as `<name>.0`, `<name>.1`, …"""
        flat = [value for item in self.data for value in (item if isinstance(item, list) else [item])]
        width = self.shape[1] if len(self.shape) == 2 else 1
        if len(flat) != self.shape[0] * width:
            raise DataError(f"Tensor {self.name!r} of shape {self.shape} has {len(flat)} values.")
        return {_named(self.name, place, width): flat[place::width] for place in range(width)}


class RequestBody(BaseModel):
    """Of V2 or V1; what else it holds is not looked at."""

    inputs: tuple[Tensor, ...] = ()
    instances: list[Any] = []

    def columns(self) -> dict[str, list[Any]]:
        """Column → values. V1's columns are called `instances`, or by their keys."""
        found = {name: values for tensor in self.inputs for name, values in tensor.columns().items()}
        found |= _columns("instances", self.instances)
        if len({len(values) for values in found.values()}) != 1:
            raise DataError("The request has no columns, or not of one length.")
        return found


class ResponseBody(BaseModel):
    """Of V2 or V1; what else it holds is not looked at."""

    model_version: str | None = None
    outputs: tuple[Tensor, ...] = ()
    predictions: list[Any] = []

    def scores(self, rows: int) -> dict[str, list[float]]:
        """Class → probabilities, classes being counted from 0; none if there are none for every row."""
        for columns in [tensor.columns() for tensor in self.outputs] + [_columns("predictions", self.predictions)]:
            values = list(columns.values())
            if not values or not all(len(column) == rows and all(map(_is_share, column)) for column in values):
                continue
            if len(values) == 1:
                values.insert(0, [1 - share for share in values[0]])
            return {str(place): column for place, column in enumerate(values)}
        return {}


def _columns(name: str, rows: list[Any]) -> dict[str, list[Any]]:
    """Of V1's rows: values, lists, or objects with the same keys."""
    if not any(isinstance(row, list | dict) for row in rows):
        return {name: rows} if rows else {}
    first = rows[0]
    if isinstance(first, dict) and all(isinstance(row, dict) and row.keys() == first.keys() for row in rows):
        return {str(key): [row[key] for row in rows] for key in first}
    if isinstance(first, list) and all(isinstance(row, list) and len(row) == len(first) for row in rows):
        return {_named(name, place, len(first)): [row[place] for row in rows] for place in range(len(first))}
    raise DataError(f"The rows of {name!r} are not alike.")


def _named(name: str, place: int, width: int) -> str:
    return name if width == 1 else f"{name}.{place}"


def _is_share(value: object) -> bool:
    """A whole number is a class, not a probability."""
    return isinstance(value, float) and 0 <= value <= 1
