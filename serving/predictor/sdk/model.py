"""The data plane as a kserve.Model: decode, predict and encode are its three timed phases; and the payload log."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import kserve

from serving.errors import ServingError
from serving.predictor.dataplane import DataPlane, Prediction
from serving.predictor.payload.log import PayloadLog
from serving.predictor.protocols.exchange import Exchange
from serving.predictor.rows import Rows

INLINE_ROWS = 256
"""Up to so many rows are predicted at once; more go to a thread, so that probes are answered meanwhile."""
_Headers = dict[str, str] | None


@dataclass
class _Request:
    """One request on its way through the phases."""

    exchange: Exchange[Any]
    rows: Rows
    started: float

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started


class PredictorModel(kserve.Model):  # type: ignore[misc]  # kserve has no types
    """Takes an Exchange as its request, whatever the protocol, and gives back that exchange's answer."""

    def __init__(self, plane: DataPlane, payloads: PayloadLog | None = None) -> None:
        super().__init__(plane.name)
        self.plane = plane
        self._payloads = payloads
        # One thread: large requests wait for each other, instead of sharing the model's few threads among them.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self.load()

    async def preprocess(self, payload: Exchange[Any], headers: _Headers = None) -> _Request:
        """Decode the request."""
        started = time.perf_counter()
        return _Request(payload, payload.decode(self.plane), started)

    async def predict(
        self, payload: _Request, headers: _Headers = None, response_headers: _Headers = None
    ) -> tuple[_Request, Prediction]:
        """Ask the model. A row is logged if the model failed, but not if the client is to blame."""
        try:
            return payload, await self._predict(payload.rows)
        except Exception as error:
            refused = isinstance(error, ServingError) and error.status < 500
            if self._payloads is not None and not refused:
                self._payloads.failed(payload.rows, error, headers, payload.seconds)
            raise

    async def postprocess(
        self, result: tuple[_Request, Prediction], headers: _Headers = None, response_headers: _Headers = None
    ) -> Any:
        """Encode the answer, and log the rows before it is sent."""
        request, prediction = result
        answer = request.exchange.encode(self.plane, prediction)
        if self._payloads is not None:
            self._payloads.answered(request.rows, prediction.probabilities, headers, request.seconds)
        return answer

    async def _predict(self, rows: Rows) -> Prediction:
        if len(rows.matrix) <= INLINE_ROWS:
            return self.plane.predict(rows.matrix)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.plane.predict, rows.matrix)

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
