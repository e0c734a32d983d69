"""A line a request, for those who ask for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable

from serving.predictor.http.message import Handler, Request, Response
from serving.predictor.later import Later

_logger = logging.getLogger(__name__)


def logged(handler: Handler) -> Handler:
    """The handler, with a line for each of its answers. What the connections refuse themselves has none."""

    def answer(request: Request) -> Response | Awaitable[Response]:
        found = handler(request)
        if isinstance(found, Response):
            return _noted(request, found)
        return Later(_later, request, found)

    return answer


async def _later(request: Request, found: Awaitable[Response]) -> Response:
    return _noted(request, await found)


def _noted(request: Request, response: Response) -> Response:
    milliseconds = (time.perf_counter() - request.received) * 1000
    _logger.info('"%s %s HTTP/1.1" %d %.1f ms', request.method, request.path[:200], response.status, milliseconds)
    return response
