"""From the tensors of a V2 request to rows: one tensor a feature, or one that is the matrix; and the rows' identity."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from feature_store.matrix import Matrix
from serving.errors import InvalidRequestError, shown
from serving.predictor.column import Column
from serving.predictor.dataplane import DataPlane
from serving.predictor.protocols.datatypes import DATATYPES
from serving.predictor.protocols.identity import identity_of
from serving.predictor.protocols.tensors import Tensor
from serving.predictor.rows import Rows


def to_rows(tensors: Sequence[Tensor], plane: DataPlane, request_id: str | None) -> Rows:
    """The rows. Beside those of identity, a single tensor [rows, features] not named after a feature is the matrix."""
    beside = plane.layout.beside
    inputs = [tensor for tensor in tensors if tensor.name not in beside]
    told = _by_name([tensor for tensor in tensors if tensor.name in beside], _identity_column)
    if len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].name not in plane.layout.places:
        matrix, sent = _from_matrix(inputs[0], plane), None
    else:
        columns = _by_name(inputs, lambda tensor: _column(tensor, plane))
        matrix = plane.from_columns(columns)
        sent = [columns[name] for name in plane.feature_names]
    return Rows(matrix, sent, identity_of(told, len(matrix)), request_id)


def _by_name(tensors: Sequence[Tensor], column_of: Callable[[Tensor], Column]) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for tensor in tensors:
        if tensor.name in columns:
            raise InvalidRequestError(f"Input {tensor.name!r} is there twice; expected each input once.")
        columns[tensor.name] = column_of(tensor)
    return columns


def _identity_column(tensor: Tensor) -> Column:
    if not DATATYPES[tensor.datatype].is_text:
        raise InvalidRequestError(f"Column {tensor.name!r} has datatype {tensor.datatype}; expected BYTES.")
    if not _is_column(tensor):
        raise InvalidRequestError(
            f"Column {tensor.name!r} has shape {list(tensor.shape)}; expected [rows] or [rows, 1]."
        )
    return tensor.values


def _is_column(tensor: Tensor) -> bool:
    return len(tensor.shape) == 1 or tensor.shape[1:] == (1,)


def _from_matrix(tensor: Tensor, plane: DataPlane) -> Matrix:
    if tensor.datatype not in ("FP32", "FP64"):
        raise InvalidRequestError(
            f"Input {tensor.name!r} has datatype {tensor.datatype}; expected FP32 or FP64 for a matrix."
        )
    values = tensor.values
    if not isinstance(values, np.ndarray):
        values = np.array(values, dtype=np.float64)
    return plane.from_matrix(values.reshape(tensor.shape))


def _column(tensor: Tensor, plane: DataPlane) -> Column:
    feature = plane.layout.features.get(tensor.name)
    if feature is None:
        raise InvalidRequestError(
            f"Unknown input {shown(tensor.name)} with shape {list(tensor.shape)}; expected one input for each of"
            f" {plane.feature_names}, or one matrix [rows, {len(plane.feature_names)}] of FP32 or FP64."
        )
    if not _is_column(tensor):
        raise InvalidRequestError(
            f"Feature {tensor.name!r} has shape {list(tensor.shape)}; expected [rows] or [rows, 1]."
        )
    if DATATYPES[tensor.datatype].is_text != (feature.categories is not None):
        expected = "BYTES" if feature.categories is not None else "a datatype of numbers"
        raise InvalidRequestError(f"Feature {tensor.name!r} has datatype {tensor.datatype}; expected {expected}.")
    return tensor.values
