"""Sends a replay: requests to the predictor by the Open Inference Protocol, labels to the Broker as CloudEvents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx
import pyarrow as pa

from contracts.errors import UnavailableError
from contracts.events import Label, to_event
from feature_store.contract import EVENT_TIME, ROW_ID
from scripts.predictor_address import Predictor

SOURCE = "/driftloop/replay"
ATTEMPTS = 30
"""For a label: the Broker may be away for a while."""
WAIT_SECONDS = 1.0


@dataclass
class Tally:
    """What came of it so far."""

    requests: int = 0
    rows: int = 0
    """Rows that got an answer."""
    failed: int = 0
    """Requests that got none, or an error."""
    labels: int = 0
    by_version: dict[str, int] = field(default_factory=dict)
    """Model version → rows that it answered."""
    last_failure: str = ""


class Sender:
    """A bounded number of requests under way at once. Use as an async context."""

    def __init__(self, predictor: Predictor, sink: str | None, loop: str, clients: int) -> None:
        self.url = f"{predictor.url}/v2/models/{loop}/infer"
        self.headers = {"content-type": "application/json", **predictor.headers}
        self.sink = sink
        self.tally = Tally()
        self._slots = asyncio.Semaphore(clients)
        self._client = httpx.AsyncClient(timeout=60, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, requests: Sequence[pa.Table]) -> None:
        """Send requests; a refused or lost one is counted, not raised."""
        await asyncio.gather(*(self._ask(rows) for rows in requests))

    async def tell(self, labels: Sequence[Label]) -> None:
        """Send labels. UnavailableError if the Broker does not take them."""
        for label in labels:
            await self._tell(label)

    async def _ask(self, rows: pa.Table) -> None:
        async with self._slots:
            self.tally.requests += 1
            try:
                answer = await self._client.post(self.url, content=body_of(rows), headers=self.headers)
            except httpx.HTTPError as error:
                self._failed(f"{type(error).__name__}: {error}")
                return
            if answer.status_code != 200:
                self._failed(f"{answer.status_code}: {answer.text[:500]}")
                return
            version = str(answer.json().get("model_version"))
            self.tally.rows += rows.num_rows
            self.tally.by_version[version] = self.tally.by_version.get(version, 0) + rows.num_rows

    def _failed(self, why: str) -> None:
        self.tally.failed += 1
        self.tally.last_failure = why

    async def _tell(self, label: Label) -> None:
        if self.sink is None:
            return
        headers, body = to_event(label, SOURCE).to_binary()
        why = ""
        for _ in range(ATTEMPTS):
            try:
                answer = await self._client.post(self.sink, content=body, headers=headers)
            except httpx.HTTPError as error:
                why = f"{type(error).__name__}: {error}"
            else:
                if answer.is_success:
                    self.tally.labels += len(label.row_ids)
                    return
                why = f"{answer.status_code}: {answer.text[:500]}"
            await asyncio.sleep(WAIT_SECONDS)
        raise UnavailableError(f"The Broker at {self.sink} takes no labels: {why}", "See `driftloop status`.")


def body_of(rows: pa.Table) -> bytes:
    """The V2 request for some rows: an input a feature, numbers as FP64, text as BYTES, and who and when."""
    times = [time.isoformat() for time in rows[EVENT_TIME].to_pylist()]
    inputs = [_tensor(ROW_ID, rows[ROW_ID].to_pylist(), "BYTES"), _tensor(EVENT_TIME, times, "BYTES")]
    inputs += [
        _tensor(name, _plain(rows[name]), "BYTES" if _is_text(rows[name].type) else "FP64")
        for name in rows.column_names
        if name not in (ROW_ID, EVENT_TIME)
    ]
    return json.dumps({"inputs": inputs}).encode()


def _tensor(name: str, values: list[Any], datatype: str) -> dict[str, Any]:
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": values}


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Values as JSON has them: what is missing is null, for there is no NaN."""
    return [None if value is None or value != value else value for value in column.to_pylist()]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))
