"""One connection: requests in, answers out in the same order, nothing that a slow or wrong client can hold on to."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Protocol, cast

from serving.predictor.http.admission import Admission
from serving.predictor.http.ahead import Ahead
from serving.predictor.http.body import DRAINED
from serving.predictor.http.bounds import Bounds
from serving.predictor.http.known import KnownHeads
from serving.predictor.http.message import Request, Response
from serving.predictor.http.reader import HEAD, IDLE, RequestReader
from serving.predictor.http.refusals import BODY_TOO_SLOW, BUSY, FULL, HEAD_TOO_SLOW, RefusedError
from serving.predictor.http.tally import Tally
from serving.predictor.http.wire import CONTINUE, Heads

_ONE_WRITE = 16 * 2**10
"""A head and a body of up to so many bytes are put together, which is cheaper than two writes."""


class House(Protocol):
    """What a connection needs of its server."""

    bounds: Bounds
    heads: Heads
    known: KnownHeads
    admission: Admission
    tally: Tally

    @property
    def open_connections(self) -> int:
        """How many there are now."""

    @property
    def draining(self) -> bool:
        """Whether connections are to end when they can."""

    def opened(self, connection: Connection) -> bool:
        """Count a connection in. Whether there was a place for it."""

    def lost(self, connection: Connection) -> None:
        """Count it out."""


class Connection(asyncio.Protocol):
    """One request at a time is under way; what a client sends ahead waits here, and it is not read meanwhile."""

    def __init__(self, house: House) -> None:
        self.request: Request | None = None
        self.expires = perf_counter() + house.bounds.head_seconds
        self._house = house
        self._bounds = house.bounds
        self._admission = house.admission
        self._reader = RequestReader(house.bounds, house.known, self._take, self._go_ahead)
        self._transport: asyncio.Transport
        self._stage = IDLE
        self._keep = True  # whether the connection outlives the request under way
        self._ahead = Ahead()
        self._held = self._unsent = 0  # bytes that the server keeps for this client
        self._blocked = self._resting = self._paused = False
        self._owes_go_ahead = False
        self._deaf = False  # what comes now is no request any more
        self._overheard = 0
        self._ended = 0.0
        self._half_closed = False  # by the client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = cast(asyncio.Transport, transport)
        if self._house.opened(self):
            return
        if self._house.open_connections > self._bounds.max_connections * 2:
            self._transport.abort()  # too many even to be told
        else:
            self._take(FULL, False)

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone, whatever was under way."""
        self.request = None
        self._ahead.clear()
        self._admission.hold(-self._held)
        self._reader.release()
        self._house.lost(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of requests. Those that are whole are taken at once."""
        if self._deaf:
            self._overhear(len(data))
            return
        self._reader.feed(data)
        if self._reader.stage != IDLE and not self._deaf:
            self._note_unfinished()

    def eof_received(self) -> bool:
        """The client sends no more, but may wait for an answer. Whether to keep the connection for that."""
        self._half_closed = True
        return self.request is not None or len(self._ahead) > 0

    def pause_writing(self) -> None:
        """The client does not read its answers: nothing more is done for it until it does."""
        self._blocked = True
        self.expires = perf_counter() + self._bounds.send_seconds
        self._unsent = self._transport.get_write_buffer_size()
        self._count_held()
        self._mind_reading()

    def resume_writing(self) -> None:
        """It has read them."""
        self._blocked = False
        self._unsent = 0
        self._count_held()
        self._await_client()
        self._advance()

    def wake(self) -> None:
        """Go on after a rest."""
        self._resting = False
        self._advance()

    def answer(self, response: Response) -> None:
        """Send the answer to the request under way."""
        self._send(response)
        if self._ahead or self._owes_go_ahead:
            self._advance()

    def expire(self, now: float) -> None:
        """The deadline passed of whatever the client was to do."""
        if self._ended:
            self._give_up(now)
        elif self._blocked:
            self._house.tally.cut += 1
            self._transport.abort()
        elif self.request is not None or self._ahead:
            pass  # it waits for us
        elif self._stage == IDLE:
            self._close()
        else:
            self._take(HEAD_TOO_SLOW if self._stage == HEAD else BODY_TOO_SLOW, False)

    @property
    def unfinished(self) -> bool:
        """Whether a request has come in part, or its answer is not sent."""
        under_way = self.request is not None or len(self._ahead) > 0 or self._stage != IDLE
        return self._blocked or (under_way and not self._ended)

    def shut(self) -> None:
        """Close it when the client has what it was sent."""
        if not self._ended:
            self._close()

    def cut(self) -> None:
        """Close it now."""
        self._transport.abort()

    def _take(self, item: Request | Response, keep: bool) -> None:
        """A request, or the answer to one that is refused."""
        if self._deaf:
            return
        self._stage = IDLE
        self._owes_go_ahead = False
        if self._held:
            self._count_held()
        self._deaf = not keep
        if self.request is None and not self._ahead and not self._blocked and not self._resting:
            self._begin(item, keep)
        else:
            self._ahead.append(item, keep)
            if self._ahead.held_bytes and not self._count_held():
                self._ahead.refuse_last(BUSY)
                self._count_held()
            self._mind_reading()

    def _begin(self, item: Request | Response, keep: bool) -> None:
        self._keep = keep
        if isinstance(item, Response):
            if item.status == BUSY.status:
                self._house.tally.busy += 1
            else:
                self._house.tally.bad += 1
            self._send(item)
            return
        self.request = item
        if not self._admission.offer(self, item):
            begun = perf_counter()
            self._send(BUSY)
            self._resting = True
            self._admission.rest(self, begun)

    def _send(self, response: Response) -> None:
        """Send the answer to what was begun last."""
        request, self.request = self.request, None
        ahead = self._ahead or (self._stage != IDLE and not self._half_closed)  # half a request is none then
        close = not self._keep or (not ahead and (self._half_closed or self._house.draining))
        told = close or (request is not None and "connection" in request.headers)
        write = self._transport.write
        if response is BUSY and not told:
            write(self._house.heads.busy)
        elif request is not None and request.method == "HEAD":
            write(self._house.heads.of(response, close, told))
        elif len(response.body) <= _ONE_WRITE:
            write(self._house.heads.of(response, close, told) + response.body)
        else:
            write(self._house.heads.of(response, close, told))
            write(response.body)
        if close:
            self._end(said_by_client=request is not None and not self._keep)
        else:
            self._await_client()

    def _advance(self) -> None:
        """Begin what was sent ahead, as far as the client may go on."""
        while self._ahead and self.request is None and not self._blocked and not self._resting:
            item, keep = self._ahead.popleft()
            if self._held:
                self._count_held()
            self._begin(item, keep)
        if self._owes_go_ahead and self.request is None and not self._ahead:
            self._owes_go_ahead = False
            self._transport.write(CONTINUE)
        self._mind_reading()

    def _await_client(self) -> None:
        """Give the client time for the next thing it is to send."""
        bounds = self._bounds
        seconds = bounds.idle_seconds
        if self._stage != IDLE:
            seconds = bounds.head_seconds if self._stage == HEAD else bounds.body_seconds
        if not self._blocked and not self._ended:
            self.expires = perf_counter() + seconds

    def _note_unfinished(self) -> None:
        """A request has come in part: from now on it has a deadline, and its bytes count."""
        stage = self._reader.stage
        if stage != self._stage:
            self._stage = stage
            self._await_client()
        if not self._count_held():
            self._reader.body.drop(BUSY)
            self._count_held()

    def _count_held(self) -> bool:
        held = self._unsent + self._ahead.held_bytes + self._reader.body.held_bytes
        more, self._held = held - self._held, held
        return self._admission.hold(more) or more <= 0

    def _go_ahead(self) -> None:
        """Tell the client to send the body that it announced, when all before it is answered."""
        if self._admission.full:
            raise RefusedError(BUSY)
        self._owes_go_ahead = self.request is not None or len(self._ahead) > 0
        if not self._owes_go_ahead:
            self._transport.write(CONTINUE)

    def _mind_reading(self) -> None:
        """Read only from who may send. Who rests may send one request, which costs less than to pause and to resume."""
        pause = self._blocked or len(self._ahead) > self._resting
        if pause != self._paused and not self._transport.is_closing():
            self._paused = pause
            if pause:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _end(self, said_by_client: bool) -> None:
        """No more answers. Closed at once, bytes that are still under way would reset what was just sent."""
        self._deaf = True
        self._ahead.clear()
        if said_by_client or self._half_closed:
            self._close()
            return
        self._ended = perf_counter()
        self.expires = self._ended + self._bounds.linger_seconds
        self._transport.write_eof()
        self._mind_reading()

    def _close(self) -> None:
        self._deaf = True
        self._ended = perf_counter()
        self.expires = self._ended + self._bounds.linger_seconds
        self._transport.close()

    def _give_up(self, now: float) -> None:
        """The end was sent. Let the client read it, if it does."""
        if self._transport.get_write_buffer_size() == 0 or now > self._ended + self._bounds.send_seconds:
            self._transport.abort()

    def _overhear(self, size: int) -> None:
        self._overheard += size
        if self._overheard > self._bounds.max_body_bytes * DRAINED:
            self._house.tally.cut += 1
            self._transport.abort()
