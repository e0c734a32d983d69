"""One connection of the generator: a request out, its answer in, as cheaply as Python can."""

from __future__ import annotations

import contextlib
import socket

_CHUNK = 65_536
_LENGTH = b"content-length:"
BROKEN = 0
"""In the place of a status: the connection ended before the answer."""


class Client:
    """Non-blocking. It connects again whenever the server has ended the connection."""

    def __init__(self, port: int, request: bytes) -> None:
        self._port = port
        self._request = request
        self._unsent = b""
        self._received = b""
        self._ends = False
        self.due = 0.0
        """When the request under way should have been sent."""
        self.waits = False
        """Whether an answer is awaited."""
        self.socket = self._connected()

    def send(self, due: float) -> None:
        """Send the request that was due at a time."""
        self.due, self.waits, self._received = due, True, b""
        self._unsent = self._request
        self.go_on_sending()

    def go_on_sending(self) -> None:
        """Send what the kernel takes."""
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self._unsent = b""  # the end is read, too

    @property
    def is_sending(self) -> bool:
        """Whether a part of the request is not sent."""
        return bool(self._unsent)

    def read(self) -> int | None:
        """The status of a whole answer, BROKEN where there will be none; None: not yet."""
        try:
            part = self.socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            part = b""
        if not part:
            self._ends = True
            return BROKEN
        self._received += part
        return self._status()

    def is_usable(self) -> bool:
        """Whether another request may be sent on this socket."""
        return not self._ends

    def renew(self) -> None:
        """Connect again."""
        self.socket.close()
        self._received, self._unsent, self._ends, self.waits = b"", b"", False, False
        self.socket = self._connected()

    def _status(self) -> int | None:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._received[:end].lower()
        at = head.find(_LENGTH)
        length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._received) < end + 4 + length:
            return None
        self._ends = b"connection: close" in head
        return int(head[9:12])

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # it goes on by itself, or its end will be read
            connection.connect(("127.0.0.1", self._port))
        return connection
