"""The REST front: kserve's server and its V1 and V2 routes, with our own for inference, versions and errors."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from socket import socket

from fastapi import APIRouter, FastAPI
from kserve.protocol.rest.server import RESTServer, metrics_handler
from kserve.protocol.rest.v1_endpoints import register_v1_endpoints
from kserve.protocol.rest.v2_endpoints import register_v2_endpoints
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from serving.errors import NotFoundError, TooLargeError, UnsupportedEncodingError, shown
from serving.predictor.protocols.exchange import Exchange, HttpAnswer
from serving.predictor.protocols.v1 import V1Exchange
from serving.predictor.protocols.v2 import JSON_LENGTH, V2Exchange
from serving.predictor.sdk.failure import EXPECTED, failure_of
from serving.predictor.sdk.registry import NoRepository, Registry

REQUEST_ID = "x-request-id"
"""Header that is given back as it came."""
DRAINED = 4
"""A body up to so many times too large is read to its end and dropped: most clients send all before they read."""


class RestFront(RESTServer):  # type: ignore[misc]  # kserve has no types
    """kserve's REST server on a socket of ours. Built once a process."""

    def __init__(
        self, registry: Registry, repository: NoRepository, listen: socket, max_body_bytes: int, grace_seconds: int
    ) -> None:
        self._listen = listen
        application = _application(registry, repository, max_body_bytes)
        super().__init__(application, registry, repository, listen.getsockname()[1], grace_period=grace_seconds)

    async def start(self) -> None:
        """Serve until a signal or `finish`."""
        await self._server.serve(sockets=[self._listen])

    def finish(self) -> None:
        """Answer what was asked already, then end."""
        self._server.should_exit = True


def _application(registry: Registry, repository: NoRepository, max_body_bytes: int) -> FastAPI:
    routes = InferenceRoutes(registry, max_body_bytes)
    application = FastAPI(openapi_url=None, routes=routes.routes())  # these come before kserve's own of the same path
    root = APIRouter()
    root.add_api_route("/", registry.live, methods=["GET"])
    root.add_api_route("/metrics", metrics_handler, methods=["GET"])
    application.include_router(root)
    register_v1_endpoints(application, registry, repository)
    register_v2_endpoints(application, registry, repository)
    application.exception_handler(HTTPException)(_answer_http_error)
    for kind in (*EXPECTED, Exception):  # after a bare Exception is answered, uvicorn logs its traceback
        application.add_exception_handler(kind, _answer_failure)
    return application


class InferenceRoutes:
    """The routes that read a body or name a version."""

    def __init__(self, registry: Registry, max_body_bytes: int) -> None:
        self._registry = registry
        self._max_body_bytes = max_body_bytes

    def routes(self) -> list[BaseRoute]:
        """In the order in which they are tried."""
        version = "/v2/models/{name}/versions/{version}"
        return [
            Route("/v1/models/{name}:predict", self.predict, methods=["POST"]),
            Route("/v1/models/{name}:explain", self.explain, methods=["POST"]),
            Route("/v2/models/{name}/infer", self.infer, methods=["POST"]),
            Route(f"{version}/infer", self.infer, methods=["POST"]),
            Route(f"{version}/ready", self.ready, methods=["GET"]),
            Route(version, self.metadata, methods=["GET"]),
        ]

    async def predict(self, request: Request) -> Response:
        """V1 inference."""
        return await self._answer(request, lambda body: V1Exchange(body))

    async def infer(self, request: Request) -> Response:
        """V2 inference, JSON or binary."""
        return await self._answer(request, lambda body: V2Exchange(body, request.headers.get(JSON_LENGTH)))

    async def explain(self, request: Request) -> Response:
        """V1 explanation, which no model here offers."""
        raise NotFoundError("This server does not explain predictions.")

    async def ready(self, request: Request) -> Response:
        """Readiness of one version."""
        model = self._registry.model(**request.path_params)
        return JSONResponse({"name": model.name, "ready": model.ready})

    async def metadata(self, request: Request) -> Response:
        """Metadata of one version."""
        model = self._registry.model(**request.path_params)
        return JSONResponse(await self._registry.model_metadata(model.name))

    async def _answer(self, request: Request, exchange_of: Callable[[bytes], Exchange[HttpAnswer]]) -> Response:
        model = self._registry.model(**request.path_params)
        exchange = exchange_of(await self._body(request))
        answer, _ = await self._registry.infer(model.name, exchange, dict(request.headers))
        headers = {**answer.headers, "x-model-version": model.plane.version}
        if REQUEST_ID in request.headers:
            headers[REQUEST_ID] = request.headers[REQUEST_ID]
        return Response(answer.body, headers=headers)

    async def _body(self, request: Request) -> bytes:
        encoding = request.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise UnsupportedEncodingError(f"Content-Encoding is {shown(encoding)}; expected none.")
        announced = int(request.headers.get("content-length", 0))  # the HTTP parser let only digits through
        waits = "expect" in request.headers  # for a go-ahead before it sends its body
        if announced > self._max_body_bytes * (1 if waits else DRAINED):
            raise self._too_large()
        body, size = bytearray(), 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= self._max_body_bytes:
                body += chunk
            elif size > self._max_body_bytes * DRAINED:
                break
        if size > self._max_body_bytes:
            raise self._too_large()
        return bytes(body)

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"The body is too large; expected at most {self._max_body_bytes} bytes.")


async def _answer_failure(_: Request, error: Exception) -> Response:
    failure = failure_of(error, "rest")
    return JSONResponse({"error": str(failure)}, status_code=failure.status)


async def _answer_http_error(request: Request, error: HTTPException) -> Response:
    what = f"{request.method} {request.url.path}: {error.detail or HTTPStatus(error.status_code).phrase}"
    return JSONResponse({"error": what}, status_code=error.status_code, headers=error.headers)
