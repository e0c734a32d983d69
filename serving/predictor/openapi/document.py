"""The document: every path with what it takes and what it may answer."""

from __future__ import annotations

from importlib import metadata
from typing import Any
from urllib.parse import quote

from serving.predictor.dataplane import DataPlane
from serving.predictor.openapi import instances, tensors
from serving.predictor.openapi.values import Schema
from serving.predictor.protocols.v2 import JSON_LENGTH

_REFUSALS = {
    "400": "The request cannot be understood or breaks the model's input contract.",
    "413": "More bytes or rows than the server takes at once.",
    "415": "The body has a Content-Encoding.",
    "503": "The server has too much to do, or ends.",
    "504": "The request waited too long for others before it.",
}
_JSON, _BINARY = "application/json", "application/octet-stream"


def document(plane: DataPlane) -> dict[str, Any]:
    """OpenAPI 3.1 of the server of one model."""
    schemas = {
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "string"}},
            "additionalProperties": False,
        },
        "V1Request": instances.request(plane),
        "V1Answer": instances.answer(plane),
        "V2Request": tensors.request(plane),
        "V2Answer": tensors.answer(plane),
    }
    info = {
        "title": f"Model {plane.name}, version {plane.version}",
        "version": metadata.version("driftloop"),
        "description": "One model over KServe's V1 and the Open Inference Protocol (V2), which gRPC speaks as well.",
    }
    paths = _pages(plane) | _operations(plane)
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _operations(plane: DataPlane) -> dict[str, Any]:
    name, version = quote(plane.name), quote(plane.version, safe="")
    infer = {f"/v2/models/{name}/infer": "infer", f"/v2/models/{name}/versions/{version}/infer": "inferVersion"}
    refused = {
        f"/v1/models/{name}:explain": "explain",
        f"/v2/repository/models/{name}/load": "load",
        f"/v2/repository/models/{name}/unload": "unload",
    }
    entry = {"name": {"const": plane.name}, "version": {"const": plane.version}, "state": {"const": "READY"}}
    index = {"type": "array", "items": {"type": "object", "required": list(entry), "properties": entry}}
    return {
        f"/v1/models/{name}:predict": {"post": _predict()},
        **{path: {"post": _infer(operation)} for path, operation in infer.items()},
        "/v2/repository/index": {"post": _page("index", "The one model and its state.", index)},
        **{path: {"post": _refused(operation)} for path, operation in refused.items()},
    }


def _predict() -> dict[str, Any]:
    body = {"required": True, "content": {_JSON: {"schema": _ref("V1Request")}}}
    answers = {"200": _answer("Predictions.", {_JSON: {"schema": _ref("V1Answer")}}), **_refusals()}
    return {"operationId": "predict", "summary": "V1 prediction", "requestBody": body, "responses": answers}


def _infer(operation: str) -> dict[str, Any]:
    raw = {"schema": {"type": "string", "format": "binary"}}
    body = {"required": True, "content": {_JSON: {"schema": _ref("V2Request")}, _BINARY: raw}}
    length = {"name": JSON_LENGTH, "in": "header", "schema": {"type": "integer", "minimum": 0}}
    length["description"] = (
        "Of a binary body: how many bytes of it are the JSON, after which the inputs that have"
        " parameters.binary_data_size in place of data follow in order, little-endian, a text with its length before."
    )
    found = _answer("Outputs, in the binary form if that was asked for.", {_JSON: {"schema": _ref("V2Answer")}})
    found["content"][_BINARY] = raw
    found["headers"][JSON_LENGTH] = {"schema": {"type": "integer"}, "description": "Of a binary answer."}
    return {
        "operationId": operation,
        "summary": "V2 inference",
        "parameters": [length],
        "requestBody": body,
        "responses": {"200": found, **_refusals()},
    }


def _pages(plane: DataPlane) -> dict[str, Any]:
    name, version = quote(plane.name), quote(plane.version, safe="")
    model, anything = f"/v2/models/{name}", {"type": "object"}
    states = {f"/v1/models/{name}": "v1Ready", f"{model}/ready": "ready", f"{model}/versions/{version}/ready": "vReady"}
    described = {model: "metadata", f"{model}/versions/{version}": "metadataOfVersion"}
    of_server = {"/": "alive", "/v2": "server", "/v2/health/live": "live", "/openapi.json": "document"}
    lists = {"/v1/models": "v1Models", "/v2/models": "v2Models"}
    metrics = _page("metrics", "What the server has counted.", None, {"text/plain": {"schema": {"type": "string"}}})
    return {
        **{path: {"get": _page(key, "What the server says of itself.", anything)} for path, key in of_server.items()},
        **{path: {"get": _page(key, "Names of the models.", anything)} for path, key in lists.items()},
        **{path: {"get": _page(key, "Inputs and outputs.", anything)} for path, key in described.items()},
        **{path: {"get": _page(key, "503 if it is not ready.", anything)} for path, key in states.items()},
        "/v2/health/ready": {"get": _page("serverReady", "503 if it is not ready.", anything)},
        "/metrics": {"get": metrics},
    }


def _page(operation: str, summary: str, schema: Schema | None, content: Schema | None = None) -> dict[str, Any]:
    found = _answer(summary, content or {_JSON: {"schema": schema}})
    return {"operationId": operation, "summary": summary, "responses": {"200": found, "default": _error("Refused.")}}


def _refused(operation: str) -> dict[str, Any]:
    answers = {"404": _error("Not offered."), "default": _error("Refused.")}
    return {"operationId": operation, "summary": "Not offered by this server", "responses": answers}


def _refusals() -> dict[str, Any]:
    return {status: _error(what) for status, what in _REFUSALS.items()} | {"default": _error("Refused.")}


def _error(what: str) -> dict[str, Any]:
    return _answer(what, {_JSON: {"schema": _ref("Error")}})


def _answer(what: str, content: Schema) -> dict[str, Any]:
    version = {"schema": {"type": "string"}, "description": "The version that answers."}
    return {"description": what, "content": content, "headers": {"x-model-version": version}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
