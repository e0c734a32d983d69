"""The whole API as an ASGI application: its paths, its guard, every refusal as a Status object."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pocket.kubernetes import discovery
from pocket.kubernetes.face import ACCOUNT, METHODS, Face, answer
from pocket.kubernetes.objects import Objects
from pocket.kubernetes.rights import NOBODY, OWNER, Rights
from pocket.kubernetes.status_error import StatusError


def application(objects: Objects, token: str, rights: Rights = NOBODY) -> ASGIApp:
    """The whole API, for bearers of the token, and for accounts with rights as far as these go."""
    routes = [
        Route("/version", lambda _: answer(discovery.VERSION)),
        *(Route(path, lambda _: Response("ok")) for path in ("/healthz", "/livez", "/readyz")),
        Route("/api", lambda _: answer(discovery.core())),
        Route("/api/v1", lambda _: answer(discovery.resources("v1"))),
        Route("/apis", lambda _: answer(discovery.groups())),
        Route("/apis/{group}", lambda request: answer(discovery.group(request.path_params["group"]))),
        Route(
            "/apis/{group}/{version}", lambda request: answer(discovery.resources(request.url.path[len("/apis/") :]))
        ),
        Route(
            "/openapi/v2", lambda _: Response(b"")
        ),  # an empty document: kubectl then tells of an unknown kind itself
        Route("/openapi/v3", lambda _: answer(discovery.openapi_index())),
        Route("/openapi/v3/{place:path}", _openapi),
        Route("/{path:path}", Face(objects, rights).resource, methods=METHODS),
    ]
    handlers: dict[Any, Any] = {
        StatusError: _refuse,
        HTTPException: _refuse_http,
        sqlite3.Error: _fail_disk,
        Exception: _fail,
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), {token: OWNER, **rights.accounts})


class Guard:
    """Lets nobody in without a token."""

    def __init__(self, inner: ASGIApp, accounts: Mapping[str, str]) -> None:
        self._inner = inner
        self._accounts = {f"Bearer {token}".encode(): account for token, account in accounts.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        given = dict(scope.get("headers", [])).get(b"authorization", b"")
        known = [account for token, account in self._accounts.items() if hmac.compare_digest(given, token)]
        if scope["type"] != "http" or known:
            await self._inner({**scope, ACCOUNT: known[0] if known else ""}, receive, send)
        else:
            await answer(
                StatusError(401, "Unauthorized: the bearer token of the home's kubeconfig is needed").status(), 401
            )(scope, receive, send)


def _openapi(request: Request) -> Response:
    group, _, version = request.path_params["place"].partition("/")
    document = discovery.openapi(version if group in ("api", "apis") else request.path_params["place"])
    return Response(document, media_type="application/json")


def _refuse(_: Request, error: StatusError) -> Response:
    return answer(error.status(), error.code)


def _refuse_http(_: Request, error: HTTPException) -> Response:
    return answer(StatusError(error.status_code, error.detail).status(), error.status_code)


def _fail_disk(_: Request, error: sqlite3.Error) -> Response:
    return answer(StatusError(503, f"the store cannot be used: {error}").status(), 503)


def _fail(_: Request, error: Exception) -> Response:
    """What nobody foresaw: its traceback is in the log, which uvicorn writes."""
    return answer(StatusError(500, f"{type(error).__name__}; the server's log tells more").status(), 500)
