"""The protocol's messages, in a descriptor pool of their own: kserve and tritonclient bring messages of the same names.

Only what is read or written is described, and the `parameters` of requests are not: protobuf skips unknown fields.
Numbers are those of the Open Inference Protocol's and of gRPC's health protocol's published definitions.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_KINDS = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "string": FieldDescriptorProto.TYPE_STRING,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
}
_NAME = ("string name = 1", "string version = 2")
_TENSOR = ("string name = 1", "string datatype = 2", "repeated int64 shape = 3")
_CONTENTS = (
    "repeated bool bool_contents = 1",
    "repeated int32 int_contents = 2",
    "repeated int64 int64_contents = 3",
    "repeated uint32 uint_contents = 4",
    "repeated uint64 uint64_contents = 5",
    "repeated {float} fp32_contents = 6",
    "repeated {double} fp64_contents = 7",
    "repeated bytes bytes_contents = 8",
)
_MESSAGES: dict[str, tuple[str, ...]] = {
    "Empty": (),
    "ServerLiveResponse": ("bool live = 1",),
    "ServerReadyResponse": ("bool ready = 1",),
    "ModelReadyRequest": _NAME,
    "ModelReadyResponse": ("bool ready = 1",),
    "ServerMetadataResponse": (*_NAME, "repeated string extensions = 3"),
    "ModelMetadataRequest": _NAME,
    "TensorMetadata": _TENSOR,
    "ModelMetadataResponse": (
        "string name = 1",
        "repeated string versions = 2",
        "string platform = 3",
        "repeated TensorMetadata inputs = 4",
        "repeated TensorMetadata outputs = 5",
    ),
    "InferTensorContents": _CONTENTS,
    "InferTensor": (*_TENSOR, "InferTensorContents contents = 5"),
    "InferRequestedOutputTensor": ("string name = 1",),
    "ModelInferRequest": (
        "string model_name = 1",
        "string model_version = 2",
        "string id = 3",
        "repeated InferTensor inputs = 5",
        "repeated InferRequestedOutputTensor outputs = 6",
        "repeated bytes raw_input_contents = 7",
    ),
    "ModelInferResponse": (
        "string model_name = 1",
        "string model_version = 2",
        "string id = 3",
        "repeated InferTensor outputs = 5",
        "repeated bytes raw_output_contents = 6",
    ),
    "HealthCheckRequest": ("string service = 1",),
    "HealthCheckResponse": ("int32 status = 1",),  # an enum, which is a number on the wire
}


def _message(name: str, fields: tuple[str, ...], kinds: dict[str, str]) -> DescriptorProto:
    message = DescriptorProto(name=name)
    for line in fields:
        *repeated, kind, field, _, number = line.format_map(kinds).split()
        label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
        described = message.field.add(name=field, number=int(number), label=label)
        if kind in _KINDS:
            described.type = _KINDS[kind]
        else:
            described.type, described.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".inference.{kind}"
    return message


def _pool(**kinds: str) -> DescriptorPool:
    messages = [_message(name, fields, kinds) for name, fields in _MESSAGES.items()]
    pool = DescriptorPool()
    pool.Add(FileDescriptorProto(name="inference.proto", package="inference", syntax="proto3", message_type=messages))
    return pool


# On the wire packed numbers are a field of bytes, which NumPy reads and writes without a Python object a number.
_PACKED = _pool(float="bytes", double="bytes")
_PLAIN = _pool(float="float", double="double")


def _class(name: str, pool: DescriptorPool = _PACKED) -> Any:
    return GetMessageClass(pool.FindMessageTypeByName(f"inference.{name}"))


Empty = _class("Empty")
"""A request of which nothing is read."""
ServerLiveResponse = _class("ServerLiveResponse")
ServerReadyResponse = _class("ServerReadyResponse")
ModelReadyRequest = _class("ModelReadyRequest")
ModelReadyResponse = _class("ModelReadyResponse")
ServerMetadataResponse = _class("ServerMetadataResponse")
ModelMetadataRequest = _class("ModelMetadataRequest")
ModelMetadataResponse = _class("ModelMetadataResponse")
ModelInferRequest = _class("ModelInferRequest")
"""fp32_contents and fp64_contents are pieces of packed little-endian numbers."""
ModelInferResponse = _class("ModelInferResponse")
"""As ModelInferRequest."""
HealthCheckRequest = _class("HealthCheckRequest")
HealthCheckResponse = _class("HealthCheckResponse")
PlainTensor = _class("InferTensor", _PLAIN)
"""A tensor with numbers one by one, which a client may send as well."""
