"""The methods of the Open Inference Protocol and of gRPC's health protocol: a message in, an answer's bytes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn

from google.protobuf.message import DecodeError

from serving.errors import InvalidRequestError, NotFoundError, shown
from serving.predictor.grpc import messages
from serving.predictor.grpc.codes import UnimplementedError
from serving.predictor.grpc.exchange import GrpcExchange
from serving.predictor.inference import Inference
from serving.predictor.metadata import model_metadata, server_metadata
from serving.predictor.readiness import Readiness

Answer = bytes | Awaitable[bytes]
INFERENCE = "inference.GRPCInferenceService"
_HEALTH = "grpc.health.v1.Health"
INFER = f"/{INFERENCE}/ModelInfer"
_SERVING, _NOT_SERVING = 1, 2


class Service:
    """What one data plane answers, method by method."""

    def __init__(self, inference: Inference, readiness: Readiness) -> None:
        self._inference = inference
        self.commit = inference.commit
        """To be called before answers are sent."""
        self._plane = inference.plane
        self._readiness = readiness
        self._server_metadata = messages.ServerMetadataResponse(**server_metadata())
        self._model_metadata = messages.ModelMetadataResponse(**model_metadata(self._plane))
        self._methods: dict[str, tuple[Any, Callable[[Any], Any]]] = {
            f"/{INFERENCE}/ServerLive": (messages.Empty, self._server_live),
            f"/{INFERENCE}/ServerReady": (messages.Empty, self._server_ready),
            f"/{INFERENCE}/ModelReady": (messages.ModelReadyRequest, self._model_ready),
            f"/{INFERENCE}/ServerMetadata": (messages.Empty, self._describe_server),
            f"/{INFERENCE}/ModelMetadata": (messages.ModelMetadataRequest, self._describe_model),
            f"/{INFERENCE}/RepositoryModelLoad": (messages.Empty, self._load),
            f"/{INFERENCE}/RepositoryModelUnload": (messages.Empty, self._unload),
            f"/{_HEALTH}/Check": (messages.HealthCheckRequest, self._check),
        }

    def require(self, path: str) -> None:
        """UnimplementedError if there is no such method."""
        if path != INFER and path not in self._methods:
            raise UnimplementedError(f"Method {shown(path)} not found!")

    def answer(self, path: str, message: bytes, metadata: Mapping[str, str], deadline: float | None) -> Answer:
        """What the method of that path answers, or something to wait for. A ServingError says why there is no answer.

        The deadline is in time.perf_counter()'s seconds.
        """
        if path == INFER:
            return self._inference.answer(self.exchange_of(message), metadata, deadline)
        kind, method = self._methods[path]
        return method(_parsed(kind, message)).SerializeToString()  # type: ignore[no-any-return]

    def exchange_of(self, message: bytes) -> GrpcExchange:
        """The exchange of a ModelInferRequest. A ServingError says why it cannot be."""
        request = _parsed(messages.ModelInferRequest, message)
        self._require_model(request.model_name, request.model_version)
        return GrpcExchange(request)

    def _server_live(self, request: Any) -> Any:
        return messages.ServerLiveResponse(live=True)

    def _server_ready(self, request: Any) -> Any:
        return messages.ServerReadyResponse(ready=self._readiness.ready)

    def _model_ready(self, request: Any) -> Any:
        self._require_model(request.name, request.version)
        return messages.ModelReadyResponse(ready=self._readiness.ready)

    def _describe_server(self, request: Any) -> Any:
        return self._server_metadata

    def _describe_model(self, request: Any) -> Any:
        self._require_model(request.name, request.version)
        return self._model_metadata

    def _load(self, request: Any) -> NoReturn:
        raise NotFoundError("This server does not load models on request.", "Roll out another version instead.")

    def _unload(self, request: Any) -> NoReturn:
        raise NotFoundError("This server does not unload models on request.", "Roll out another version instead.")

    def _check(self, request: Any) -> Any:
        if request.service not in ("", INFERENCE, _HEALTH, self._plane.name):
            raise NotFoundError(f"Service {shown(request.service)} is unknown; expected {INFERENCE!r}, or none.")
        return messages.HealthCheckResponse(status=_SERVING if self._readiness.ready else _NOT_SERVING)

    def _require_model(self, name: str, version: str) -> None:
        plane = self._plane
        if name != plane.name:
            raise NotFoundError(f"Model {shown(name)} does not exist; expected {plane.name!r}.")
        if version and version != plane.version:
            raise NotFoundError(f"Model {name!r} has no version {shown(version)}; expected {plane.version!r}.")


def _parsed(kind: Any, message: bytes) -> Any:
    try:
        return kind.FromString(message)
    except DecodeError as error:
        raise InvalidRequestError(f"The message cannot be read: {error}.") from error
