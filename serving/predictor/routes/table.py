"""Which operation a request asks for: one look-up of its path, exactly as it was sent, for all that is served."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from urllib.parse import unquote

from serving.errors import NotFoundError, shown
from serving.predictor.http.message import Handler, Request, Response
from serving.predictor.routes.answers import Answers

Operations = Mapping[str, Handler]
"""By method, what one path offers."""
_MODEL = re.compile(
    r"(?P<before>/v[12]/(repository/)?models/)(?P<name>[^/]+?)(/versions/(?P<version>[^/]+))?"
    r"(?P<after>/[a-z]+|:[a-z]+)?"
)


class Table:
    """Every path of one model's server, and an answer to all others. It is the connections' handler."""

    def __init__(self, paths: Mapping[str, Operations], name: str, version: str, answers: Answers) -> None:
        self._paths = paths
        self._name = name
        self._version = version
        self._answers = answers

    def __call__(self, request: Request) -> Response | Awaitable[Response]:
        """Do what the request asks for. It never raises."""
        operations = self._paths.get(request.path)
        if operations is not None:
            operation = operations.get(request.method)
            if operation is not None:
                return operation(request)
        return self._elsewhere(request)

    def operation_of(self, request: Request) -> Handler | None:
        """What does that, if the request names it exactly."""
        return self._paths.get(request.path, {}).get(request.method)

    def _elsewhere(self, request: Request) -> Response | Awaitable[Response]:
        """The path is written otherwise, or the method is another, or it is not here."""
        path = unquote(request.path)
        path = path.rstrip("/") if path.strip("/") else path
        operations, missing = self._paths.get(path), None
        if operations is None:
            operations, missing = self._of_another_model(path)
        if operations is None:
            return self._answers.refused(request, 404, f"{request.method} {_cut(path)}: Not Found")
        method = "GET" if request.method == "HEAD" else request.method  # the connection leaves the body out
        if method not in operations:
            what = f"{request.method} {_cut(path)}: Method Not Allowed"
            allowed = ", ".join(operations).replace("GET", "GET, HEAD")
            return self._answers.refused(request, 405, what, ("allow", allowed))
        if missing is not None:
            return self._answers.failed(request, missing)
        return operations[method](request)

    def _of_another_model(self, path: str) -> tuple[Operations | None, NotFoundError | None]:
        """What the path would offer if it named the model and version that are served, and which it names instead."""
        found = _MODEL.fullmatch(path)
        if found is None:
            return None, None
        name, version = found["name"], found["version"]
        versions = "" if version is None else f"/versions/{self._version}"
        operations = self._paths.get(f"{found['before']}{self._name}{versions}{found['after'] or ''}")
        if name != self._name:
            return operations, NotFoundError(f"Model with name {_cut(name)} does not exist.")
        what = f"Model {name!r} has no version {shown(version)}; expected {self._version!r}."
        return operations, NotFoundError(what)


def _cut(text: str) -> str:
    """A client's text as an error quotes it, however long it is."""
    return text if len(text) <= 200 else f"{text[:200]}…"
