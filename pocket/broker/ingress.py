"""The Broker's door: POST /<namespace>/<broker> takes a CloudEvent and answers 202 when it is on the disk."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from nats.js import JetStreamContext

from contracts.cloudevent import TooLargeError, decode
from contracts.errors import DataError
from pocket.broker import stream
from pocket.broker.routes import Routes

BODIES = 32
"""Events in memory at once; further senders wait."""
BODY_SECONDS = 30.0
"""How long a sender may take to send one."""

_log = logging.getLogger(__name__)


class Ingress:
    """Takes events for the Brokers it knows; none before the first `route`."""

    def __init__(self, jetstream: JetStreamContext) -> None:
        self.jetstream = jetstream
        self.routes: Routes | None = None
        self.bodies = asyncio.Semaphore(BODIES)

    async def route(self, routes: Routes) -> None:
        """Take events for these Brokers from now on. Their Triggers are made first, so that none misses an event.

        Streams and consumers are made and deleted here alone: two who read the file at different times would delete
        what the other has just made.
        """
        await stream.ensure(self.jetstream, routes)
        self.routes = routes
        await stream.remove_others(self.jetstream, routes)

    async def take(self, request: web.Request) -> web.Response:
        """202, or why not: 400, 404, 408, 413, and 503 when it is worth trying again."""
        broker = f"{request.match_info['namespace']}/{request.match_info['broker']}"
        if self.routes is None or broker not in self.routes.brokers:
            return _refusal(404, f"There is no Broker {broker}.")
        async with self.bodies:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await request.read()
            except TimeoutError:
                return _refusal(408, f"The body did not come within {BODY_SECONDS:g} s.")
            except ConnectionError:  # such as of a sender that was killed: nobody reads this
                return _refusal(400, "The sender has gone.")
            return await self._store(broker, {name.lower(): value for name, value in request.headers.items()}, body)

    async def _store(self, broker: str, headers: dict[str, str], body: bytes) -> web.Response:
        try:
            await stream.publish(self.jetstream, broker, decode(headers, body))
        except TooLargeError as error:
            return _refusal(413, str(error))
        except DataError as error:
            return _refusal(400, str(error))
        except (stream.NatsError, TimeoutError) as error:
            _log.warning("an event for %s is not stored: %r", broker, error)
            return _refusal(
                503, f"The event is not stored: {error or 'the event stream does not answer'}. Send it again."
            )
        return web.Response(status=202)


def _refusal(status: int, why: str) -> web.Response:
    return web.Response(status=status, text=why + "\n")
