"""The Kubernetes API as the controllers use it: list, watch, read, write a status, tell an event."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contracts.errors import UnavailableError
from pocket.kubernetes import access
from pocket.kubernetes.kinds import KINDS, Kind

Json = dict[str, Any]
WATCH_SECONDS = 600
_SECONDS = 10
_CORE = {kind.name: kind for kind in KINDS if kind.api_version == "v1"}


class RefusedByApiError(UnavailableError):
    """The API answered, but not with what was asked for."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"The Kubernetes API answered {code}: {message}.")
        self.code = code


class Client:
    """Speaks to the API server of a home, wherever its kubeconfig says it is just now."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def list(self, kind: Kind) -> tuple[list[Json], str]:
        """Every object of a kind, and the version of that list."""
        found = self._call("GET", kind.path(None))
        head = {"apiVersion": kind.api_version, "kind": kind.name}
        return [{**item, **head} for item in found["items"]], found["metadata"]["resourceVersion"]

    def watch(self, kind: Kind, version: str) -> Iterator[tuple[str, Json]]:
        """What happens after a version: ADDED, MODIFIED, DELETED or ERROR, until the server ends it."""
        query = f"?watch=1&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}"
        with self._asked("GET", kind.path(None) + query, None, WATCH_SECONDS + _SECONDS) as response:
            while line := response.readline():
                happened = json.loads(line)
                yield happened["type"], happened["object"]

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        """A ConfigMap or a Secret, or None."""
        try:
            return self._call("GET", f"{_CORE[kind].path(namespace)}/{name}")
        except RefusedByApiError as error:
            if error.code == 404:
                return None
            raise

    def write_status(self, kind: Kind, obj: Json, status: Json) -> Json:
        """The object after its status was replaced."""
        metadata = obj["metadata"]
        patch = [{"op": "add", "path": "/status", "value": status}]
        path = f"{kind.path(metadata['namespace'])}/{metadata['name']}/status"
        return self._call("PATCH", path, patch, "application/json-patch+json")

    def tell(self, about: Json, reason: str, message: str, warning: bool = False) -> None:
        """Add an Event to an object."""
        now, metadata = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), about["metadata"]
        event = {
            "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
            "involvedObject": {
                **{key: about[key] for key in ("apiVersion", "kind")},
                **{key: metadata[key] for key in ("name", "namespace", "uid")},
            },
            "reason": reason,
            "message": message,
            "type": "Warning" if warning else "Normal",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "source": {"component": "pocket-controllers"},
        }
        self._call("POST", _CORE["Event"].path(metadata["namespace"]), event)

    def _call(self, method: str, path: str, body: object = None, form: str = "application/json") -> Json:
        with self._asked(method, path, body, _SECONDS, form) as response:
            found: Json = json.loads(response.read())
        return found

    @contextmanager
    def _asked(
        self, method: str, path: str, body: object, seconds: float, form: str = "application/json"
    ) -> Iterator[http.client.HTTPResponse]:
        connection: http.client.HTTPSConnection | None = None
        try:
            connection = self._connection(seconds)
            sent = {"Authorization": f"Bearer {access.token(self.home)}", "Content-Type": form}
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            if response.status >= 300:
                raise RefusedByApiError(response.status, json.loads(response.read()).get("message", ""))
            yield response
        except (OSError, ValueError, http.client.HTTPException) as error:  # not there, not there yet, cut off
            raise UnavailableError(f"The Kubernetes API does not answer ({error!r}).") from error
        finally:
            if connection:
                connection.close()

    def _connection(self, seconds: float) -> http.client.HTTPSConnection:
        config = json.loads(access.kubeconfig_path(self.home).read_text())
        server = urlsplit(config["clusters"][0]["cluster"]["server"])
        trusted = ssl.create_default_context(cafile=access.certificate(self.home)[0])
        return http.client.HTTPSConnection(server.netloc, timeout=seconds, context=trusted)
