"""Requests about objects: verbs, queries and bodies to the functions that answer them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pocket.kubernetes import body, patches, watch
from pocket.kubernetes.kinds import Kind, find
from pocket.kubernetes.objects import Objects
from pocket.kubernetes.rights import Grant, Rights, verb_of
from pocket.kubernetes.rules import Options, Outcome, Place
from pocket.kubernetes.selectors import selection
from pocket.kubernetes.status_error import Json, StatusError
from pocket.kubernetes.table import table

_RESOURCE = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<version>[^/]+/[^/]+))(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>(?!(?:status|finalize)$)[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+))?)?"
)
SWEEP_SECONDS = 1.0
ACCOUNT = "driftloop.account"
"""Where the scope of a request has the ServiceAccount that sent it."""
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_APPLY = "application/apply-patch+yaml"
_PATCHES = (_APPLY, patches.JSON_PATCH, patches.MERGE, patches.STRATEGIC)
_STRICTNESS = ("Strict", "Warn", "Ignore")
_TRUE = ("true", "True", "TRUE", "t", "T", "1")  # as Go reads them; the Python client says True


class Face:
    """Requests about objects."""

    def __init__(self, objects: Objects, rights: Rights) -> None:
        self._objects, self._rights = objects, rights
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
        self._check_rights(request, place)
        response = await actions[verb](request, place)
        self._plan_sweep()
        return response

    def _check_rights(self, request: Request, place: Place) -> None:
        verb = verb_of(request.method, bool(place.name), request.query_params.get("watch") in _TRUE)
        resource = "/".join(filter(None, (place.kind.plural, place.subresource)))
        asked = Grant(request.scope[ACCOUNT], place.namespace, place.kind.group, resource, verb)
        self._rights.check(asked, place.name)

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
        return answer(_shown(request, place.kind, [found], found, found["metadata"]["resourceVersion"]))

    async def _list(self, request: Request, place: Place) -> Response:
        if request.query_params.get("watch") in _TRUE:
            return self._watch(request, place)
        items = self._selected(request, place)
        version = str(self._objects.store.version)
        return answer(_shown(request, place.kind, items, _listed(place.kind, items, version), version))

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
        return answer(outcome.body)

    async def _delete_all(self, request: Request, place: Place) -> Response:
        wish = await _delete_options(request)
        items = self._selected(request, place)
        for obj in items:
            metadata = obj["metadata"]
            one = Place(place.kind, metadata.get("namespace", ""), metadata["name"])
            self._objects.delete(one, wish, _is_dry(request, wish))
        return answer(_listed(place.kind, items, str(self._objects.store.version)))

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
    response = answer(_shown(request, kind, [outcome.body], outcome.body, version), outcome.code)
    for warning in outcome.warnings[:20]:
        text = json.dumps(warning[:300])[1:-1]
        response.headers.append("Warning", f'299 - "{text}"')
    return response


def answer(value: Json, code: int = 200) -> Response:
    """A value as JSON."""
    return Response(json.dumps(value, separators=(",", ":")), code, media_type="application/json")
