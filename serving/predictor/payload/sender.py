"""The thread that empties the spools: batches in, events out, until they are taken."""

from __future__ import annotations

import logging
import random
import threading
import time
from pathlib import Path

from serving.predictor.payload import metrics
from serving.predictor.payload.events import PayloadEvent, payload_events
from serving.predictor.payload.folder import leftovers
from serving.predictor.payload.reader import Batch, SpoolReader
from serving.predictor.payload.room import Room
from serving.predictor.payload.sink import Outcome, Sink
from serving.predictor.payload.sometimes import Sometimes
from serving.predictor.payload.turns import Steps, Turns
from serving.predictor.tally import Tally

POST_SECONDS = 30.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 10.0
ADOPT_SECONDS = 10.0
"""How often it is looked for spools whose process has ended."""
_logger = logging.getLogger(__name__)


class Sender(threading.Thread):
    """Sends what is in its own spool and in those that other processes left behind."""

    def __init__(
        self,
        own: SpoolReader,
        root: Path,
        room: Room,
        sink: Sink,
        rows: int,
        delay_seconds: float,
        spooled: Tally,
    ) -> None:
        """`spooled` counts the rows of its own spool; the sender tells its metric now and then."""
        super().__init__(name="payload-sender", daemon=True)
        self._full = threading.Event()
        self._wanted = 0  # rows of its own spool that are to be sent before their time
        self.turns = Turns()
        self._readers = [own]
        self._own = own
        self._root = root
        self._room = room
        self._sink = sink
        self._rows = rows
        self._delay_seconds = delay_seconds
        self._spooled = spooled
        self._taken = 0  # rows of its own spool that were sent
        self._is_due = True  # whether rows have waited so long that a batch need not be full
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._next_look = 0.0
        self._away = Sometimes(_logger, logging.WARNING, "payload log: the sink did not take an event (%d times): %s")
        self._refused = Sometimes(_logger, logging.ERROR, "payload log: the sink refused %d rows for good: %s")

    def run(self) -> None:
        """Send until `finish`."""
        while not self._is_done():
            try:
                self._work()
            except Exception:
                _logger.exception("payload log: sending failed; it is tried again")
                self._stopping.wait(LONGEST_PAUSE_SECONDS)
        self._end()

    def send_up_to(self, rows: int) -> None:
        """So many rows of its own spool, from the first on, are worth sending: they make full batches."""
        self._wanted = rows
        self._full.set()

    def finish(self, seconds: float) -> bool:
        """Send the rest for so long at most. Whether everything was sent; what was not stays in the spool."""
        self._deadline = time.monotonic() + seconds
        self._stopping.set()
        self._full.set()
        self.join(seconds + 1)
        return not self.is_alive() and not self._own.folder.path.exists()

    def _is_done(self) -> bool:
        return self._stopping.is_set() and (time.monotonic() >= self._deadline or not self._has_rows())

    def _has_rows(self) -> bool:
        return any(reader.read(1) is not None for reader in self._readers)

    def _work(self) -> None:
        """Send a batch of each spool, then wait until there may be another."""
        self._spooled.tell()
        self._adopt()
        more = [self._send(reader) for reader in tuple(self._readers)]
        if not any(more) and not self._stopping.is_set():
            self._is_due = not self._full.wait(self._delay_seconds)
            self._full.clear()

    def _adopt(self) -> None:
        if time.monotonic() < self._next_look or self._stopping.is_set():
            return
        self._next_look = time.monotonic() + ADOPT_SECONDS
        for folder in leftovers(self._root):
            self._room.adopt(folder.bytes())
            self._readers.insert(0, SpoolReader(folder, self._room))
            _logger.info("payload log: sends what another process left in %s", folder.path)

    def _send(self, reader: SpoolReader) -> bool:
        """Send a batch, if there is one. Whether there is more that has no reason to wait."""
        if reader is self._own and not self._is_worth_it():
            return False
        batch, events = self.turns.run(self._read(reader))
        if batch is None:
            if reader is not self._own:
                self._remove(reader)
            return False
        if not all(self._post(event) for event in events):
            return False
        reader.commit(batch)
        if reader is self._own:
            self._taken += batch.rows
        return batch.is_full or reader is not self._own or reader.is_behind

    def _is_worth_it(self) -> bool:
        """Whether there is a full batch, or no time to wait for one."""
        return self._is_due or self._stopping.is_set() or self._taken < self._wanted

    def _read(self, reader: SpoolReader) -> Steps[tuple[Batch | None, list[PayloadEvent]]]:
        """The next batch, and its events."""
        batch = reader.read(self._rows)
        if batch is None:
            return None, []
        yield
        records = batch.records
        yield
        return batch, (yield from payload_events(batch.schema, records, self._rows))

    def _post(self, event: PayloadEvent) -> bool:
        """Send one event, however long it takes; False if the process ends before."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            left = self._deadline - time.monotonic()
            if left <= 0:
                return False
            answer = self._sink.post(event.event, min(POST_SECONDS, left))
            if answer.outcome is Outcome.SENT:
                metrics.SENT.inc(event.rows)
                return True
            if answer.outcome is Outcome.REJECTED:
                metrics.REJECTED.inc(event.rows)
                self._refused.tell(event.rows, answer.words)
                return True
            metrics.RETRIES.inc()
            self._spooled.tell()
            self._away.tell(1, answer.words)
            self._pause(pause * random.uniform(0.5, 1))  # noqa: S311 - so that predictors do not all come back at once
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _pause(self, seconds: float) -> None:
        """Wait; once the process is to end, no longer than a moment."""
        if self._stopping.wait(seconds):
            time.sleep(min(FIRST_PAUSE_SECONDS, max(0.0, self._deadline - time.monotonic())))

    def _remove(self, reader: SpoolReader) -> None:
        self._readers.remove(reader)
        reader.close()
        self._room.give(reader.folder.bytes())
        reader.folder.remove()

    def _end(self) -> None:
        """Leave no folder behind that is empty, and give back those that are not."""
        self._spooled.tell()
        for reader in tuple(self._readers):
            if reader.read(1) is None:
                self._remove(reader)
            else:
                reader.close()
                reader.folder.release()
        self._sink.close()
