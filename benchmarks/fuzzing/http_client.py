"""HTTP/1.1 over plain sockets: several connections with several requests under way on each, or one for a wrong head."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence

from fuzzing.answers import Answer, TornError, every, parsed

_SECONDS = 30.0


class Pipelines:
    """Some connections that stay."""

    def __init__(self, port: int, connections: int) -> None:
        self._port = port
        self._sockets = [_connected(port) for _ in range(connections)]

    def ask(self, requests: Sequence[bytes]) -> list[Answer | str]:
        """The answer to each, or what became of it. All are sent before the first answer is read."""
        count = len(self._sockets)
        lots = [requests[at::count] for at in range(count)]
        for at, lot in enumerate(lots):
            with contextlib.suppress(OSError):  # reading tells
                self._sockets[at].sendall(b"".join(lot))
        found: list[Answer | str] = [""] * len(requests)
        for at, lot in enumerate(lots):
            found[at::count] = self._read(at, len(lot))
        return found

    def _read(self, at: int, count: int) -> list[Answer | str]:
        answers: list[Answer | str] = []
        data = b""
        try:
            while len(answers) < count:
                whole = parsed(data)
                if whole is None:
                    data = _more(self._sockets[at], data)
                    continue
                answer, data = whole
                answers.append(answer)
        except (OSError, TornError) as error:
            self._sockets[at].close()
            self._sockets[at] = _connected(self._port)
            answers.append(f"no answer: {error}")
        return answers + ["not looked at: the one before it was not answered"] * (count - len(answers))


def alone(port: int, sent: bytes) -> list[Answer]:
    """The answers to bytes on a connection of their own, until the server ends it. TornError if they are none."""
    with _connected(port) as connection:
        data = b""
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                data += part
        except TimeoutError:
            raise TornError(f"the connection does not end; it said {data[:80]!r}") from None
        except OSError:
            pass  # a server may cut off who sends garbage
        return list(every(data))


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)


def _more(connection: socket.socket, data: bytes) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise TornError("the server ended the connection")
    return data + part
