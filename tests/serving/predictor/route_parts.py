"""The routes without a process around them: one model, one event loop's thread, requests made by hand."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from predictor_process import Bundle

from serving.predictor.folder import open_plane
from serving.predictor.http.message import Request, Response
from serving.predictor.inference import Inference
from serving.predictor.options import Options
from serving.predictor.readiness import Readiness
from serving.predictor.routes.server import table
from serving.predictor.routes.table import Table


@dataclass(frozen=True)
class Routes:
    """What the connections would hand requests to."""

    handler: Table
    inference: Inference
    readiness: Readiness

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, **more: Any
    ) -> Response:
        """The answer, waited for where it is not there at once."""

        async def wait() -> Response:
            answer = self.handler(Request(method, path, headers or {}, body, time.perf_counter(), **more))
            return answer if isinstance(answer, Response) else await answer

        return asyncio.run(wait())

    def get(self, path: str) -> Response:
        """The answer to a GET."""
        return self.ask("GET", path)

    def post(self, path: str, value: Any, **more: Any) -> Response:
        """The answer to a POST of JSON."""
        return self.ask("POST", path, json.dumps(value).encode(), **more)


def routes_of(bundle: Bundle, *arguments: str) -> Routes:
    """The routes of a model folder, by the name `flights` and as version 7 unless another is given."""
    place = ["--name", "flights", "--model-dir", str(bundle.folder), "--model-version", "7"]
    inference, readiness = Inference(open_plane(Options.parse([*place, *arguments], {})), None), Readiness()
    return Routes(table(inference, readiness), inference, readiness)


def matrix_of(rows: int, columns: int = 4) -> dict[str, Any]:
    """A V2 request of zeros."""
    return {"inputs": [{"name": "m", "shape": [rows, columns], "datatype": "FP32", "data": [0] * rows * columns}]}
