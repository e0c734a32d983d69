"""An HTTP/2 client that sends what no gRPC library would."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import unquote

import ngh2


class RawClient:
    """One connection. What the server sends is taken in as far as it is waited for."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=10)
        self.http2 = ngh2.Connection(ngh2.Role.CLIENT)
        self.http2.initiate_connection()
        self.send()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, headers: Mapping[str, str], body: bytes = b"", *, ended: bool = True, sent: bool = True) -> int:
        """Begin a call with its body, ended unless more is to come. Unless `sent`, it goes with what is sent next."""
        every = {
            ":method": "POST",
            ":scheme": "http",
            ":path": "/inference.GRPCInferenceService/ModelInfer",
            ":authority": "test",
            "content-type": "application/grpc",
            **headers,
        }
        stream = self.http2.send_request([(name.encode(), value.encode()) for name, value in every.items()])
        self.http2.send_data(stream, body, end_stream=ended)
        if sent:
            self.send()
        return stream

    def send(self, data: bytes | None = None) -> None:
        """Send what is there to be sent."""
        self._socket.sendall(self.http2.data_to_send() if data is None else data)

    def events(self) -> list[Any]:
        """What comes next. ConnectionError if the server ends the connection."""
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server ended the connection")
        self.http2.receive_data(data)
        self.send()
        return self.http2.events()

    def status(self) -> tuple[str, str]:
        """Status and words of the next call that ends with headers or trailers."""
        while True:
            for event in self.events():
                if isinstance(event, (ngh2.ResponseReceived, ngh2.TrailersReceived)):
                    found = {name.decode(): value.decode() for name, value in event.headers}
                    status = found.get("grpc-status", found.get(":status", "200"))
                    if "grpc-status" in found or status != "200":
                        return status, unquote(found.get("grpc-message", ""))
