"""A service that consumes CloudEvents, by Knative's contract: POST on PORT, answers that say whether to retry.

2xx: done; a CloudEvent in the answer is published again. 400, 413, 422: never send this again. 503: send it again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan

from contracts.cloudevent import MAX_EVENT_BYTES, CloudEvent, TooLargeError, decode
from contracts.errors import ConfigError, DataError, DriftloopError, UnavailableError

Handle = Callable[[CloudEvent], Awaitable[CloudEvent | None]]
"""What a service does with one event; what it returns is published. Raised: DataError for a permanent reject."""

_log = logging.getLogger(__name__)


def application(
    handle: Handle, name: str, lifespan: Lifespan[Starlette] | None = None, routes: Sequence[BaseRoute] = ()
) -> Starlette:
    """The service as an ASGI application: POST / takes events, GET /healthz tells that it lives.

    `lifespan` opens before the first request what `handle` needs, and closes it after the last. `routes` come besides.
    """

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(routes=[door("/", handle, name), Route("/healthz", healthy), *routes], lifespan=lifespan)


def door(path: str, handle: Handle, name: str) -> Route:
    """POST on a path takes events."""

    async def take(request: Request) -> Response:
        try:
            body = await _body(request)
            answer = await handle(decode({key.lower(): value for key, value in request.headers.items()}, body))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except TooLargeError as error:
            return _refused(413, error)
        except DataError as error:
            return _refused(422, error)
        except DriftloopError as error:
            _log.warning("%s: an event is not done: %s", name, error)
            return _refused(503, error)
        except Exception:  # noqa: BLE001 - the process' edge: logged, and sent again
            _log.exception("%s: an event is not done", name)
            return PlainTextResponse(f"{name} failed; its log tells why.\n", status_code=500)
        if answer is None:
            return Response(status_code=202)
        headers, data = answer.to_binary()
        return Response(data, headers=headers)

    return Route(path, take, methods=["POST"])


def serve(app: Starlette, env: Mapping[str, str] = os.environ) -> None:
    """Serve on PORT (8080) of DRIFTLOOP_HOST (127.0.0.1) until SIGTERM; requests under way are finished."""
    uvicorn.run(
        app,
        host=env.get("DRIFTLOOP_HOST", "127.0.0.1"),
        port=_port(env.get("PORT", "8080")),
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=20,
    )


def configure_logs() -> None:
    """One line an entry, to stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


async def _body(request: Request) -> bytes:
    """At most one byte more than an event may have, however much is sent."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_EVENT_BYTES:
            raise TooLargeError(f"The body has more than {MAX_EVENT_BYTES} bytes.", "Send less at once.")
    return bytes(body)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ConfigError(f"PORT is {text!r}; expected a port number.")
    return int(text)


def _refused(status: int, error: DriftloopError) -> Response:
    headers = {"retry-after": "1"} if isinstance(error, UnavailableError) else {}
    return PlainTextResponse(f"{error}\n", status_code=status, headers=headers)
