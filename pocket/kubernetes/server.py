"""The HTTP face: paths and verbs to the functions that answer them, every refusal as a Status object."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pocket.kubernetes import body, discovery, patches, watch
from pocket.kubernetes.kinds import Kind, find
from pocket.kubernetes.objects import Objects, Options, Outcome, Place
from pocket.kubernetes.selectors import selection
from pocket.kubernetes.status_error import Json, StatusError
from pocket.kubernetes.table import table

_RESOURCE = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<version>[^/]+/[^/]+))(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>(?!(?:status|finalize)$)[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+))?)?"
)
SWEEP_SECONDS = 1.0
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_APPLY = "application/apply-patch+yaml"
_PATCHES = (_APPLY, patches.JSON_PATCH, patches.MERGE, patches.STRATEGIC)
_STRICTNESS = ("Strict", "Warn", "Ignore")
_TRUE = ("true", "True", "TRUE", "t", "T", "1")  # as Go reads them; the Python client says True


def application(objects: Objects, token: str) -> ASGIApp:
    """The whole API, for bearers of the token."""
    routes = [
        Route("/version", lambda _: _answer(discovery.VERSION)),
        *(Route(path, lambda _: Response("ok")) for path in ("/healthz", "/livez", "/readyz")),
        Route("/api", lambda _: _answer(discovery.core())),
        Route("/api/v1", lambda _: _answer(discovery.resources("v1"))),
        Route("/apis", lambda _: _answer(discovery.groups())),
        Route("/apis/{group}", lambda request: _answer(discovery.group(request.path_params["group"]))),
        Route(
            "/apis/{group}/{version}", lambda request: _answer(discovery.resources(request.url.path[len("/apis/") :]))
        ),
        Route(
            "/openapi/v2", lambda _: Response(b"")
        ),  # an empty document: kubectl then tells of an unknown kind itself
        Route("/openapi/v3", lambda _: _answer(discovery.openapi_index())),
        Route("/openapi/v3/{place:path}", _openapi),
        Route("/{path:path}", Face(objects).resource, methods=_METHODS),
    ]
    handlers: dict[Any, Any] = {
        StatusError: _refuse,
        HTTPException: _refuse_http,
        sqlite3.Error: _fail_disk,
        Exception: _fail,
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), token)


class Guard:
    """Lets nobody in without the token."""

    def __init__(self, inner: ASGIApp, token: str) -> None:
        self._inner = inner
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        given = dict(scope.get("headers", [])).get(b"authorization", b"")
        if scope["type"] != "http" or hmac.compare_digest(given, self._expected):
            await self._inner(scope, receive, send)
        else:
            await _answer(
                StatusError(401, "Unauthorized: the bearer token of the home's kubeconfig is needed").status(), 401
            )(scope, receive, send)


class Face:
    """Requests about objects."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._sweep: asyncio.TimerHandle | None = None

    async def resource(self, request: Request) -> Response:
        """Answer a request about one object or a collection."""
        found = _RESOURCE.fullmatch(request.url.path)
        if not found:
            raise StatusError(404, f"the server could not find the requested resource {request.url.path[:200]}")
        kind = find(found["core"] or found["version"], found["plural"])
        place = Place(kind, found["namespace"] or "", found["name"] or "", found["subresource"] or "")
        if place.subresource and not (place.subresource == "status" and kind.has_status):
            raise StatusError(404, f"{kind.name} has no subresource {place.subresource}")
        if (place.namespace and not kind.namespaced) or (place.name and kind.namespaced and not place.namespace):
            raise StatusError(
                404, f"{kind.name} is {'' if kind.namespaced else 'not '}in a namespace: {kind.path('<ns>')}"
            )
        actions = self._on_object() if place.name else self._on_collection()
        if place.subresource:
            actions = {verb: action for verb, action in actions.items() if verb in ("GET", "PUT", "PATCH")}
        verb = "GET" if request.method == "HEAD" else request.method
        if verb not in actions:
            raise StatusError(405, f"{request.method} is not supported on {request.url.path[:200]}")
        answer = await actions[verb](request, place)
        self._plan_sweep()
        return answer

    def _on_object(self) -> dict[str, Callable[[Request, Place], Awaitable[Response]]]:
        return {"GET": self._get, "PUT": self._put, "PATCH": self._patch, "DELETE": self._delete}

    def _on_collection(self) -> dict[str, Callable[[Request, Place], Awaitable[Response]]]:
        return {"GET": self._list, "POST": self._post, "DELETE": self._delete_all}

    def _plan_sweep(self) -> None:
        """A deleted namespace goes a moment later, as in any cluster: what `kubectl delete -k` names is still there."""
        if self._sweep is None and self._objects.terminating():
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._swept)

    def _swept(self) -> None:
        self._sweep = None
        self._objects.sweep()

    async def _get(self, request: Request, place: Place) -> Response:
        found = self._objects.get(place)
        return _answer(_shown(request, place.kind, [found], found, found["metadata"]["resourceVersion"]))

    async def _list(self, request: Request, place: Place) -> Response:
        if request.query_params.get("watch") in _TRUE:
            return self._watch(request, place)
        items = self._selected(request, place)
        version = str(self._objects.store.version)
        return _answer(_shown(request, place.kind, items, _listed(place.kind, items, version), version))

    def _watch(self, request: Request, place: Place) -> Response:
        query, kind, store = request.query_params, place.kind, self._objects.store
        initial = query.get("sendInitialEvents") in _TRUE
        version = _number(query.get("resourceVersion") or "0", "resourceVersion")
        after = None if initial or not version else version
        if after is not None:
            store.changes(after, kind, place.namespace or None)  # 410 now rather than in the stream
        shown_before = False

        def show(obj: Json) -> Json:
            nonlocal shown_before
            shown: Json = _shown(request, kind, [obj], obj, obj["metadata"]["resourceVersion"])
            if shown_before and shown["kind"] == "Table":
                shown["columnDefinitions"] = None
            shown_before = True
            return shown

        seconds = _number(query.get("timeoutSeconds") or "0", "timeoutSeconds") or watch.DEFAULT_SECONDS
        is_meant = selection(kind, query)
        wanted = watch.Watch(kind, place.namespace or None, is_meant, after, initial, seconds, show)
        return StreamingResponse(watch.lines(store, wanted), media_type="application/json")

    async def _post(self, request: Request, place: Place) -> Response:
        given, options = await body.read_object(request), _options(request)
        if place.kind.namespaced and not place.namespace:
            raise StatusError(
                405, f"a {place.kind.name} is created in a namespace: POST {place.kind.path('<namespace>')}"
            )
        return _wrote(request, place.kind, self._objects.create(place.kind, place.namespace, given, options))

    async def _put(self, request: Request, place: Place) -> Response:
        given = await body.read_object(request)
        return _wrote(request, place.kind, self._objects.replace(place, given, _options(request)))

    async def _patch(self, request: Request, place: Place) -> Response:
        form = body.content_type(request)
        if form not in _PATCHES:
            raise StatusError(415, f"a patch has one of the types {', '.join(_PATCHES)}, not {form}")
        options = _options(request)
        if form != _APPLY:
            outcome = self._objects.patch(place, await body.read(request), form, options)
        elif "fieldManager" in request.query_params:
            outcome = self._objects.apply(place, await body.read_object(request), options)
        else:
            raise StatusError(422, "fieldManager: Required value: is required for apply patch")
        return _wrote(request, place.kind, outcome)

    async def _delete(self, request: Request, place: Place) -> Response:
        wish = await _delete_options(request)
        outcome = self._objects.delete(place, wish, _is_dry(request, wish))
        return _answer(outcome.body)

    async def _delete_all(self, request: Request, place: Place) -> Response:
        wish = await _delete_options(request)
        items = self._selected(request, place)
        for obj in items:
            metadata = obj["metadata"]
            one = Place(place.kind, metadata.get("namespace", ""), metadata["name"])
            self._objects.delete(one, wish, _is_dry(request, wish))
        return _answer(_listed(place.kind, items, str(self._objects.store.version)))

    def _selected(self, request: Request, place: Place) -> list[Json]:
        is_meant = selection(place.kind, request.query_params)
        return [obj for obj in self._objects.store.all(place.kind, place.namespace or None) if is_meant(obj)]


def _options(request: Request) -> Options:
    query = request.query_params
    strictness = query.get("fieldValidation") or "Warn"
    if strictness not in _STRICTNESS:
        raise StatusError(400, f"fieldValidation is one of {', '.join(_STRICTNESS)}, not {strictness[:80]!r}")
    manager = query.get("fieldManager") or request.headers.get("user-agent", "unknown").partition("/")[0]
    return Options(manager[:128], strictness, _is_dry(request, {}), query.get("force") in _TRUE)


def _is_dry(request: Request, wish: Json) -> bool:
    wanted = request.query_params.getlist("dryRun") or wish.get("dryRun") or []
    if wanted not in ([], ["All"]):
        raise StatusError(400, f"dryRun must be All, not {str(wanted)[:80]}")
    return bool(wanted)


async def _delete_options(request: Request) -> Json:
    found = await body.read(request) or {}
    if not isinstance(found, dict) or not isinstance(found.get("preconditions") or {}, dict):
        raise StatusError(400, "the body of a DELETE must be DeleteOptions")
    return found


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise StatusError(400, f"{name} must be a number, not {text[:80]!r}")
    return int(text)


def _listed(kind: Kind, items: list[Json], version: str) -> Json:
    head = {"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": {"resourceVersion": version}}
    return {**head, "items": items}


def _shown(request: Request, kind: Kind, items: list[Json], plain: Json, version: str) -> Json:
    """As a table if the client would rather have that."""
    if "as=Table" not in request.headers.get("accept", "").partition(",")[0]:
        return plain
    return table(kind, items, version, datetime.now(UTC), request.query_params.get("includeObject", "Metadata"))


def _wrote(request: Request, kind: Kind, outcome: Outcome) -> Response:
    version = outcome.body["metadata"].get("resourceVersion", "")
    response = _answer(_shown(request, kind, [outcome.body], outcome.body, version), outcome.code)
    for warning in outcome.warnings[:20]:
        text = json.dumps(warning[:300])[1:-1]
        response.headers.append("Warning", f'299 - "{text}"')
    return response


def _openapi(request: Request) -> Response:
    group, _, version = request.path_params["place"].partition("/")
    document = discovery.openapi(version if group in ("api", "apis") else request.path_params["place"])
    return Response(document, media_type="application/json")


def _answer(value: Json, code: int = 200) -> Response:
    return Response(json.dumps(value, separators=(",", ":")), code, media_type="application/json")


def _refuse(_: Request, error: StatusError) -> Response:
    return _answer(error.status(), error.code)


def _refuse_http(_: Request, error: HTTPException) -> Response:
    return _answer(StatusError(error.status_code, error.detail).status(), error.status_code)


def _fail_disk(_: Request, error: sqlite3.Error) -> Response:
    return _answer(StatusError(503, f"the store cannot be used: {error}").status(), 503)


def _fail(_: Request, error: Exception) -> Response:
    """What nobody foresaw: its traceback is in the log, which uvicorn writes."""
    return _answer(StatusError(500, f"{type(error).__name__}; the server's log tells more").status(), 500)
