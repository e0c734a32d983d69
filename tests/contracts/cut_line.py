"""A line to a server that is cut once so many bytes of its answers have passed, and stays cut."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

PIECE_BYTES = 65_536


@contextmanager
def cut_line(host: str, port: int, allowance: int) -> Iterator[int]:
    """The port of a line that carries `allowance` bytes from the server to its clients and no more."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    line = _Line(host, port, allowance)
    try:
        yield asyncio.run_coroutine_threadsafe(line.open(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(line.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Line:
    def __init__(self, host: str, port: int, allowance: int) -> None:
        self._target = (host, port)
        self._left = allowance
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        back_reader, back_writer = await asyncio.open_connection(*self._target)
        there = asyncio.create_task(_copy(reader, back_writer))
        try:
            while self._left > 0 and (piece := await back_reader.read(min(PIECE_BYTES, self._left))):
                writer.write(piece)
                await writer.drain()
                self._left -= len(piece)
            if not self._left:
                self._server.close()
        except (ConnectionError, asyncio.CancelledError):
            pass  # a client that went, or the end of the test
        finally:
            there.cancel()
            writer.close()
            back_writer.close()
            self._tasks.discard(task)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
