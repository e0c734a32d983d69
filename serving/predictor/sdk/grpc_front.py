"""The gRPC front: kserve's V2 service on one address of ours, with our codec, versions and errors."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError
from grpc import aio
from grpc_interceptor import AsyncExceptionToStatusInterceptor
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.utils.utils import to_headers

from contracts.errors import ConfigError
from serving.errors import InvalidRequestError
from serving.predictor.sdk.failure import EXPECTED, failure_of
from serving.predictor.sdk.grpc_exchange import GrpcExchange
from serving.predictor.sdk.registry import NoRepository, Registry

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    503: grpc.StatusCode.UNAVAILABLE,
}
_logger = logging.getLogger(__name__)


class GrpcFront:
    """The gRPC server. Its port belongs to it alone: a second server on it fails, instead of sharing it silently."""

    def __init__(self, registry: Registry, repository: NoRepository, address: str, max_message_bytes: int) -> None:
        self._server = aio.server(
            interceptors=[ErrorInterceptor(), ParseInterceptor()],
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", -1),
            ],
        )
        add_GRPCInferenceServiceServicer_to_server(Service(registry, repository), self._server)
        try:
            self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise ConfigError(
                f"gRPC cannot listen on {address}: {error}.", "Give another --grpc-port, or 0 for none."
            ) from error

    async def start(self) -> None:
        """Begin to serve."""
        await self._server.start()

    async def stop(self, grace_seconds: int) -> None:
        """Answer what was asked already, then end."""
        await self._server.stop(grace_seconds)


class Service(InferenceServicer):  # type: ignore[misc]  # kserve has no types
    """kserve's V2 service with versions and our own codec."""

    def __init__(self, registry: Registry, repository: NoRepository) -> None:
        super().__init__(registry, repository)
        self._registry = registry

    # The names are the protocol's.
    async def ModelReady(  # noqa: N802
        self, request: pb.ModelReadyRequest, context: grpc.ServicerContext
    ) -> pb.ModelReadyResponse:
        """Readiness of a model, of one version if it is named."""
        return pb.ModelReadyResponse(ready=self._registry.model(request.name, request.version).ready)

    async def ModelMetadata(  # noqa: N802
        self, request: pb.ModelMetadataRequest, context: grpc.ServicerContext
    ) -> pb.ModelMetadataResponse:
        """Inputs and outputs of a model, of one version if it is named."""
        model = self._registry.model(request.name, request.version)
        return pb.ModelMetadataResponse(**await self._registry.model_metadata(model.name))

    async def ModelInfer(  # noqa: N802
        self, request: pb.ModelInferRequest, context: grpc.ServicerContext
    ) -> pb.ModelInferResponse:
        """Inference."""
        model = self._registry.model(request.model_name, request.model_version)
        answer, _ = await self._registry.infer(model.name, GrpcExchange(request), to_headers(context))
        return answer


class ErrorInterceptor(AsyncExceptionToStatusInterceptor):
    """Ends a failed call with the status its error stands for."""

    async def handle_exception(
        self, ex: Exception, request_or_iterator: Any, context: Any, method_name: str
    ) -> NoReturn:
        """Abort the call."""
        if not isinstance(ex, EXPECTED):
            _logger.error("%s failed", method_name, exc_info=ex)
        failure = failure_of(ex, "grpc")
        await context.abort(_CODES.get(failure.status, grpc.StatusCode.INTERNAL), str(failure))
        raise AssertionError("abort always raises")


class ParseInterceptor(aio.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
    """Parses messages where an error can still be answered: bytes that are no message are a client's mistake."""

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """A handler of bytes in place of the handler of messages; every method of the service is unary."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None

        async def answer(body: bytes, context: Any) -> Any:
            try:
                message = handler.request_deserializer(body)
            except DecodeError as error:
                raise InvalidRequestError(f"The message cannot be read: {error}.") from error
            return await handler.unary_unary(message, context)

        return grpc.unary_unary_rpc_method_handler(answer, response_serializer=handler.response_serializer)
