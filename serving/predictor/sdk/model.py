"""The data plane as a kserve.Model: decode, predict and encode are its three timed phases."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kserve

from feature_store.matrix import Matrix
from serving.predictor.dataplane import DataPlane, Prediction
from serving.predictor.protocols.exchange import Exchange

INLINE_ROWS = 256
"""Up to so many rows are predicted at once; more go to a thread, so that probes are answered meanwhile."""
_Headers = dict[str, str] | None


class PredictorModel(kserve.Model):  # type: ignore[misc]  # kserve has no types
    """Takes an Exchange as its request, whatever the protocol, and gives back that exchange's answer."""

    def __init__(self, plane: DataPlane) -> None:
        super().__init__(plane.name)
        self.plane = plane
        # One thread: large requests wait for each other, instead of sharing the model's few threads among them.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self.load()

    async def preprocess(self, payload: Exchange[Any], headers: _Headers = None) -> tuple[Exchange[Any], Matrix]:
        """Decode the request."""
        return payload, payload.decode(self.plane)

    async def predict(
        self, payload: tuple[Exchange[Any], Matrix], headers: _Headers = None, response_headers: _Headers = None
    ) -> tuple[Exchange[Any], Prediction]:
        """Ask the model."""
        exchange, matrix = payload
        if len(matrix) <= INLINE_ROWS:
            return exchange, self.plane.predict(matrix)
        return exchange, await asyncio.get_running_loop().run_in_executor(self._thread, self.plane.predict, matrix)

    async def postprocess(
        self, result: tuple[Exchange[Any], Prediction], headers: _Headers = None, response_headers: _Headers = None
    ) -> Any:
        """Encode the answer."""
        exchange, prediction = result
        return exchange.encode(self.plane, prediction)

    def get_input_types(self) -> list[dict[str, Any]]:
        """One input a feature, for the V2 metadata. The matrix form is an alternative that metadata cannot express."""
        return [
            {"name": feature.name, "datatype": "FP32" if feature.categories is None else "BYTES", "shape": [-1]}
            for feature in self.plane.card.features
        ]

    def get_output_types(self) -> list[dict[str, Any]]:
        """Both outputs, for the V2 metadata."""
        return [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(self.plane.card.labels)]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
        ]
