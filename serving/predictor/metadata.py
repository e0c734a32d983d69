"""What the server says of itself and of its model, in the V2 protocol's words."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from contracts.model import VALUE
from serving.predictor.dataplane import DataPlane


def server_metadata() -> dict[str, Any]:
    """The server's own name, version and extensions."""
    return {
        "name": "driftloop-predictor",
        "version": metadata.version("driftloop"),
        "extensions": ["binary_tensor_data"],
    }


def model_metadata(plane: DataPlane) -> dict[str, Any]:
    """The model's one version, its format as the platform, its inputs and outputs.

    One input a feature: the matrix form is an alternative that this metadata cannot express.
    """
    inputs = [
        {"name": feature.name, "datatype": "FP32" if feature.categories is None else "BYTES", "shape": [-1]}
        for feature in plane.card.features
    ]
    platform = plane.card.format.replace("-", "_")
    return {
        "name": plane.name,
        "versions": [plane.version],
        "platform": platform,
        "inputs": inputs,
        "outputs": _outputs(plane),
    }


def _outputs(plane: DataPlane) -> list[dict[str, Any]]:
    if plane.card.task == "regression":
        return [{"name": VALUE, "datatype": "FP32", "shape": [-1]}]
    return [
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(plane.card.labels)]},
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
    ]
