"""The process' servers: REST and gRPC side by side, from the first bind to the last answer."""

from __future__ import annotations

import asyncio
import logging
from socket import socket

from kserve import ModelServer
from kserve.model import BaseKServeModel

from serving.predictor.address import written
from serving.predictor.dataplane import DataPlane
from serving.predictor.options import Options
from serving.predictor.payload.log import opened
from serving.predictor.sdk.grpc_front import GrpcFront
from serving.predictor.sdk.model import PredictorModel
from serving.predictor.sdk.registry import NoRepository, Registry
from serving.predictor.sdk.rest import RestFront

_logger = logging.getLogger(__name__)


def serve(plane: DataPlane, options: Options, listen: socket) -> None:
    """Serve REST on a bound socket, and gRPC, until SIGTERM, SIGINT or SIGQUIT; then send what was logged."""
    with opened(plane, options.payload) as payloads:
        PredictorServer(options, listen).start([PredictorModel(plane, payloads)])


class PredictorServer(ModelServer):  # type: ignore[misc]  # kserve has no types
    """kserve's ModelServer with fronts that listen where they are told."""

    def __init__(self, options: Options, listen: socket) -> None:
        super().__init__(
            http_port=options.http_port,
            grpc_port=options.grpc_port,
            enable_grpc=options.grpc_port != 0,
            enable_latency_logging=options.log_requests,
            grace_period=options.grace_seconds,
        )
        self._options = options
        self._listen = listen
        self._registry = Registry(self.registered_models)
        self._repository = NoRepository(self.registered_models)

    def start(self, models: list[BaseKServeModel]) -> None:
        """Serve these models until a signal."""
        self._register_and_check_atleast_one_model_is_ready(models)
        options = self._options
        self._rest_server = RestFront(
            self._registry, self._repository, self._listen, options.max_body_bytes, options.grace_seconds
        )
        self.register_signal_handler()
        with asyncio.Runner(loop_factory=self._rest_server.config.get_loop_factory()) as runner:
            runner.run(self._serve())

    def stop(self, sig: int) -> None:
        """End gracefully: what a signal means."""
        self._rest_server.finish()

    async def _serve(self) -> None:
        front = await self._start_grpc() if self.enable_grpc else None
        try:
            await self._rest_server.start()
        finally:
            if front is not None:
                await front.stop(self.grace_period)
        _logger.info("stopped")

    async def _start_grpc(self) -> GrpcFront:
        address = written(self._options.host, self._options.grpc_port)
        front = GrpcFront(self._registry, self._repository, address, self._options.max_body_bytes)
        await front.start()
        _logger.info("gRPC serves on %s", address)
        return front
