"""Single requests to the home's own Kubernetes API, without a client's seconds of imports."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path

from contracts.errors import UnavailableError
from pocket import state
from pocket.kubernetes import access
from pocket.kubernetes.service import NAME
from pocket.kubernetes.status_error import Json

_SECONDS = 10
_APPLY = "application/apply-patch+yaml"


def find(home: Path, path: str) -> Json | None:
    """An object or a list, or None if it is not there. UnavailableError if the server does not answer, or refuses."""
    found = _call(home, "GET", path, None)
    return None if _is_refusal(found) and found.get("code") == 404 else _granted(found)


def apply(home: Path, path: str, body: Json, manager: str) -> Json:
    """Server-side apply of one object, taking over fields that others own. UnavailableError as for `find`."""
    return _granted(_call(home, "PATCH", f"{path}?fieldManager={manager}&force=true", json.dumps(body)))


def _granted(found: Json) -> Json:
    if _is_refusal(found):
        raise UnavailableError(f"The Kubernetes API refused: {found.get('message')}.")
    return found


def _is_refusal(found: Json) -> bool:
    return bool(found.get("kind") == "Status" and found.get("status") == "Failure")


def _call(home: Path, method: str, path: str, body: str | None) -> Json:
    record = state.read(home, NAME)
    if not record or not record.token:
        raise UnavailableError("The Kubernetes API of this machine is not up.", "Run `driftloop up`.")
    trusted = ssl.create_default_context(cafile=access.certificate(home)[0])
    connection = http.client.HTTPSConnection("127.0.0.1", record.ports["http"], timeout=_SECONDS, context=trusted)
    headers = {"Authorization": f"Bearer {access.token(home)}", "Content-Type": _APPLY}
    try:
        connection.request(method, path, body, headers)
        found: Json = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnavailableError(f"{record.address}{path} cannot be asked: {error}.", "Run `driftloop up`.") from error
    finally:
        connection.close()
    return found
