"""What KServe's servers ask about the one model: its metadata and version. No client can unload it."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from kserve.protocol.dataplane import DataPlane as KserveDataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from serving.errors import NotFoundError, shown
from serving.predictor.sdk.model import PredictorModel


class Registry(KserveDataPlane):  # type: ignore[misc]  # kserve has no types
    """KServe's data plane, which finds the model by name, with true metadata and with versions."""

    def metadata(self) -> dict[str, Any]:
        """The server's own name, version and extensions."""
        return {
            "name": "driftloop-predictor",
            "version": metadata.version("driftloop"),
            "extensions": ["binary_tensor_data"],
        }

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        """The model's inputs and outputs, its one version, and its format as the platform."""
        described: dict[str, Any] = await super().model_metadata(model_name)
        plane = self.model(model_name).plane
        return described | {"versions": [plane.version], "platform": plane.card.format.replace("-", "_")}

    def model(self, name: str, version: str | None = None) -> PredictorModel:
        """The model of that name and, if given, version. kserve's ModelNotFound or a NotFoundError if there is none."""
        model: PredictorModel = self.get_model_from_registry(name)
        if version and version != model.plane.version:
            raise NotFoundError(f"Model {name!r} has no version {shown(version)}; expected {model.plane.version!r}.")
        return model


class NoRepository(ModelRepositoryExtension):  # type: ignore[misc]  # kserve has no types
    """Loading and unloading are not offered: which version serves is decided by the rollout, not by a client."""

    async def load(self, model_name: str) -> None:
        """NotFoundError."""
        raise NotFoundError("This server does not load models on request.", "Roll out another version instead.")

    async def unload(self, model_name: str) -> None:
        """NotFoundError."""
        raise NotFoundError("This server does not unload models on request.", "Roll out another version instead.")
