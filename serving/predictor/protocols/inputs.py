"""From the tensors of a V2 request to the model's matrix: one tensor a feature, or one that is the matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from feature_store.matrix import Matrix
from serving.errors import InvalidRequestError, shown
from serving.predictor.dataplane import Column, DataPlane
from serving.predictor.protocols.datatypes import DATATYPES
from serving.predictor.protocols.tensors import Tensor


def to_matrix(tensors: Sequence[Tensor], plane: DataPlane) -> Matrix:
    """The matrix [rows, features]. A single tensor [rows, features] not named after a feature is the matrix already."""
    if len(tensors) == 1 and len(tensors[0].shape) == 2 and tensors[0].name not in plane.feature_names:
        return _from_matrix(tensors[0], plane)
    columns: dict[str, Column] = {}
    for tensor in tensors:
        if tensor.name in columns:
            raise InvalidRequestError(f"Input {tensor.name!r} is there twice; expected each feature once.")
        columns[tensor.name] = _column(tensor, plane)
    return plane.from_columns(columns)


def _from_matrix(tensor: Tensor, plane: DataPlane) -> Matrix:
    if tensor.datatype not in ("FP32", "FP64"):
        raise InvalidRequestError(
            f"Input {tensor.name!r} has datatype {tensor.datatype}; expected FP32 or FP64 for a matrix."
        )
    return plane.from_matrix(np.array(tensor.values, dtype=np.float64).reshape(tensor.shape))


def _column(tensor: Tensor, plane: DataPlane) -> Column:
    feature = next((feature for feature in plane.card.features if feature.name == tensor.name), None)
    if feature is None:
        raise InvalidRequestError(
            f"Unknown input {shown(tensor.name)} with shape {list(tensor.shape)}; expected one input for each of"
            f" {plane.feature_names}, or one matrix [rows, {len(plane.feature_names)}] of FP32 or FP64."
        )
    if len(tensor.shape) != 1 and tensor.shape[1:] != (1,):
        raise InvalidRequestError(
            f"Feature {tensor.name!r} has shape {list(tensor.shape)}; expected [rows] or [rows, 1]."
        )
    if DATATYPES[tensor.datatype].is_text != (feature.categories is not None):
        expected = "BYTES" if feature.categories is not None else "a datatype of numbers"
        raise InvalidRequestError(f"Feature {tensor.name!r} has datatype {tensor.datatype}; expected {expected}.")
    return tensor.values
