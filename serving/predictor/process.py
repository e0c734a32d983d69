"""One process' servers: HTTP and gRPC side by side on one event loop, from the first connection to the last answer."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from typing import TYPE_CHECKING, Protocol

import uvloop

from contracts.errors import ConfigError
from serving.predictor.address import written
from serving.predictor.batches import Batches
from serving.predictor.dataplane import DataPlane
from serving.predictor.http.bounds import Bounds
from serving.predictor.http.server import Server
from serving.predictor.inference import Inference
from serving.predictor.options import Options
from serving.predictor.payload.options import PayloadOptions
from serving.predictor.readiness import Readiness
from serving.predictor.routes.access import logged
from serving.predictor.routes.batch import Batch
from serving.predictor.routes.server import table
from serving.predictor.transport import counting

if TYPE_CHECKING:
    from serving.predictor.payload.log import PayloadLog

ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
"""Signals that ask the process to end."""
_logger = logging.getLogger(__name__)


class Drains(Protocol):
    """A server that can be ended gracefully."""

    async def drain(self, grace_seconds: float) -> None:
        """Answer what was asked, for so long at most, then end."""


def serve(plane: DataPlane, options: Options, http: socket, grpc: socket | None) -> None:
    """Serve on bound sockets until a signal; then send what was logged."""
    gc.collect()
    gc.freeze()  # the model and the modules stay: no collection needs to look at them again
    with _payload_log(plane, options.payload) as payloads:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(Inference(plane, payloads), options, http, grpc))
        _logger.info("stopped")


async def _serve(inference: Inference, options: Options, http: socket, grpc: socket | None) -> None:
    inference.run_on(asyncio.get_running_loop())
    readiness, servers = Readiness(), []
    if grpc is not None:
        servers.append(await _start_grpc(inference, options, grpc, readiness))
    server = await _start_http(inference, options, http, readiness)
    async with counting(server):
        await _signal(server)
        readiness.ready = False
        await asyncio.gather(*(each.drain(options.grace_seconds) for each in (*servers, server)))


async def _signal(server: Server) -> None:
    """Wait until the process is asked to end. A second signal hurries it."""
    asked = asyncio.Event()
    for number in ENDS:
        asyncio.get_running_loop().add_signal_handler(number, lambda: server.hurry() if asked.is_set() else asked.set())
    await asked.wait()


async def _start_http(inference: Inference, options: Options, listen: socket, readiness: Readiness) -> Server:
    paths = table(inference, readiness)
    batch = Batch(paths, Batches(inference, options.batch_rows)) if options.batch_rows else None
    server = Server(logged(paths) if options.log_requests else paths, _bounds(options), batch, inference.commit)
    try:
        await server.start(listen)
    except OSError as error:
        address = written(*listen.getsockname()[:2])
        raise ConfigError(f"HTTP cannot listen on {address}: {error}.", "Give another --http-port.") from error
    return server


async def _start_grpc(inference: Inference, options: Options, listen: socket, readiness: Readiness) -> Drains:
    from serving.predictor.grpc import bounds, counts, server  # protobuf and HTTP/2, which REST alone does without

    limits = bounds.Bounds(
        message_bytes=options.max_body_bytes,
        calls=options.queue_requests,
        waiting_bytes=options.queue_bytes,
        connections=options.max_connections,
        head_seconds=options.head_seconds,
        body_seconds=options.body_seconds,
        send_seconds=options.send_seconds,
    )
    started = server.GrpcServer(inference, listen, limits, readiness, counts.counting(), options.batch_rows)
    await started.start()
    _logger.info("gRPC serves on %s", written(*listen.getsockname()[:2]))
    return started


def _bounds(options: Options) -> Bounds:
    return Bounds(
        max_body_bytes=options.max_body_bytes,
        max_connections=options.max_connections,
        max_queued=options.queue_requests,
        max_held_bytes=max(options.queue_bytes, options.max_body_bytes),
        queue_seconds=options.queue_seconds,
        head_seconds=options.head_seconds,
        body_seconds=options.body_seconds,
        idle_seconds=options.idle_seconds,
        send_seconds=options.send_seconds,
    )


@contextmanager
def _payload_log(plane: DataPlane, options: PayloadOptions) -> Iterator[PayloadLog | None]:
    if not options.enabled:
        yield None
        return
    from serving.predictor.payload.log import opened  # an HTTP client, which a predictor without a sink does without

    with opened(plane, options) as payloads:
        yield payloads
