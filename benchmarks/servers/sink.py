"""A sink of payload events that takes everything at once and keeps nothing. It stands where the Broker would.

Argument: the port. It is a program of its own, as the Broker is.
"""

from __future__ import annotations

import asyncio
import sys

_ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
_LENGTH = b"content-length:"


class Taker(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with nothing received."""
        self._transport = transport
        self._head = b""
        self._missing = 0

    def data_received(self, data: bytes) -> None:
        """202 after each whole body; bodies are counted, not kept."""
        while data:
            if self._missing:
                taken = min(self._missing, len(data))
                self._missing, data = self._missing - taken, data[taken:]
            else:
                head, end, data = (self._head + data).partition(b"\r\n\r\n")
                self._head = b"" if end else head
                if not end:
                    return
                self._missing = _length(head)
            if not self._missing:
                assert isinstance(self._transport, asyncio.Transport)  # noqa: S101  TCP is
                self._transport.write(_ACCEPTED)


def _length(head: bytes) -> int:
    lines = (line for line in head.lower().split(b"\r\n") if line.startswith(_LENGTH))
    return int(next(lines, b":0").partition(b":")[2])


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Taker, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
