"""Single requests to the home's own Kubernetes API, without a client's seconds of imports."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any

from contracts.errors import UnavailableError
from pocket import state
from pocket.kubernetes import access
from pocket.kubernetes.service import NAME
from pocket.kubernetes.status_error import Json

_SECONDS = 10
_APPLY = "application/apply-patch+yaml"


def get(home: Path, path: str) -> Json:
    """An object or a list. UnavailableError if the server does not answer, or refuses."""
    return _call(home, "GET", path)


def apply(home: Path, path: str, body: Json, manager: str) -> Json:
    """Server-side apply of one object, taking over fields that others own. UnavailableError as for `get`."""
    return _call(home, "PATCH", f"{path}?fieldManager={manager}&force=true", json.dumps(body))


def _call(home: Path, method: str, path: str, body: str | None = None) -> Json:
    record = state.read(home, NAME)
    if not record or not record.token:
        raise UnavailableError("The Kubernetes API of this machine is not up.", "Run `driftloop up`.")
    trusted = ssl.create_default_context(cafile=access.certificate(home)[0])
    connection = http.client.HTTPSConnection("127.0.0.1", record.ports["http"], timeout=_SECONDS, context=trusted)
    headers = {"Authorization": f"Bearer {access.token(home)}", "Content-Type": _APPLY}
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnavailableError(f"{record.address}{path} cannot be asked: {error}.", "Run `driftloop up`.") from error
    finally:
        connection.close()
    if answer.status >= 400:
        raise UnavailableError(f"The Kubernetes API refused {method} {path}: {found.get('message')}")
    return found
