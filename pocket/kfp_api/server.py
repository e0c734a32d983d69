"""The API as an ASGI application: its paths, and every refusal as a google.rpc.Status."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pocket.kfp_api.api_error import AWAY, INTERNAL, INVALID, NOT_FOUND, ApiError
from pocket.kfp_api.face import Face
from pocket.kfp_api.service import ROOT
from pocket.kfp_api.worker import Worker

_LOOPBACK = ("127.0.0.1", "localhost")


def application(face: Face, worker: Worker) -> Starlette:
    """The whole API; the worker lives as long as it."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        worker.start()
        try:
            yield
        finally:
            await run_in_threadpool(worker.stop)

    async def answer(request: Request) -> Response:
        _guard(request)
        place = request.url.path.removeprefix(ROOT)
        return JSONResponse(face.answer(request.method, place, request.query_params, await _body(request)))

    handlers: dict[Any, Any] = {
        ApiError: _refuse,
        HTTPException: _refuse_http,
        sqlite3.Error: _fail_disk,
        Exception: _fail,
    }
    routes = [
        Route(ROOT + "/{place:path}", answer, methods=["GET", "POST", "DELETE"]),
        Route("/{place:path}", _elsewhere, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)


def _guard(request: Request) -> None:
    """No web page may start runs through its reader's browser: not from afar, nor by a name that it points here."""
    if urlsplit(f"//{request.headers.get('host', '')}").hostname not in _LOOPBACK:
        raise ApiError(INVALID, f"This server answers at {' and '.join(_LOOPBACK)} only.")
    if request.method == "POST" and not request.headers.get("content-type", "").startswith("application/json"):
        raise ApiError(INVALID, "Content-Type must be application/json.")


async def _body(request: Request) -> dict[str, Any]:
    if not await request.body():
        return {}
    try:
        found = await request.json()
    except ValueError as error:
        raise ApiError(INVALID, f"The body is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise ApiError(INVALID, "The body must be a JSON object.")
    return found


def _elsewhere(request: Request) -> Response:
    raise ApiError(NOT_FOUND, f"{request.url.path[:200]} is not served: this is an API below {ROOT}, without pages.")


def _refuse(_: Request, error: ApiError) -> Response:
    return JSONResponse(error.body(), error.http_status)


def _refuse_http(_: Request, error: HTTPException) -> Response:
    return JSONResponse(ApiError(INVALID, error.detail).body(), error.status_code)


def _fail_disk(_: Request, error: sqlite3.Error) -> Response:
    return _refuse(_, ApiError(AWAY, f"The store cannot be used: {error}."))


def _fail(_: Request, error: Exception) -> Response:
    """What nobody foresaw: its traceback is in the log, which uvicorn writes."""
    return _refuse(_, ApiError(INTERNAL, f"{type(error).__name__}; the server's log tells more."))
