"""Brokers and Triggers in JetStream: a stream a Broker, a durable consumer a Trigger, and how an event lies there."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.errors import Error
from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError

from contracts.cloudevent import MAX_EVENT_BYTES, CloudEvent, decode
from pocket.broker import nats_server
from pocket.broker.routes import Routes

ACK_SECONDS = 5.0
"""An event whose dispatcher has not given a sign for so long is delivered again."""
IN_FLIGHT = 32
"""Events of one Trigger under way at once, those that wait for a retry included."""
DUPLICATE_SECONDS = 120
MAX_STREAM_BYTES = 512_000_000
"""Of events not yet delivered to every Trigger; a Broker that is full refuses new ones and keeps the old."""
MAX_HOPS = 32
HOPS = "Driftloop-Hops"
"""How many answers of subscribers led to an event."""
_PUBLISH_SECONDS = 5.0

_log = logging.getLogger(__name__)
NatsError = Error
"""Whatever the stream or the way to it has against something; a TimeoutError is no such."""


async def connect(
    home: Path, port: int, name: str, on_return: Callable[[], object], on_end: Callable[[], object]
) -> Client:
    """A client that comes back by itself, however long the server is away; it tells so, and if it cannot any more."""

    async def back() -> None:
        on_return()

    async def ended() -> None:
        on_end()

    return await nats.connect(
        f"nats://127.0.0.1:{port}",
        user=nats_server.USER,
        password=nats_server.password(home),
        name=name,
        reconnected_cb=back,
        closed_cb=ended,
        error_cb=_tell,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.2,
    )


def name_of(key: str) -> str:
    """The name of a stream or a consumer for <namespace>/<name>; NATS allows neither dots nor slashes there."""
    return key.replace("/", "_").replace(".", "=")


def subject_of(broker: str) -> str:
    """The one subject of a Broker's stream."""
    return f"events.{name_of(broker)}"


async def ensure(jetstream: JetStreamContext, routes: Routes) -> None:
    """Make what is missing. A new Trigger sees what is published from now on."""
    for broker in routes.brokers:
        await _ensure_stream(jetstream, broker)
    for trigger in routes.triggers:
        await jetstream.add_consumer(
            name_of(trigger.broker),
            api.ConsumerConfig(
                durable_name=name_of(trigger.name),
                deliver_policy=api.DeliverPolicy.NEW,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=ACK_SECONDS,
                max_ack_pending=IN_FLIGHT,
            ),
        )


async def remove_others(jetstream: JetStreamContext, routes: Routes) -> None:
    """Delete the streams of Brokers and the consumers of Triggers that are gone."""
    wanted = {(name_of(trigger.broker), name_of(trigger.name)) for trigger in routes.triggers}
    brokers = {name_of(broker) for broker in routes.brokers}
    for stream in await jetstream.streams_info():
        name = str(stream.config.name)
        if name not in brokers:
            await jetstream.delete_stream(name)
            continue
        for consumer in await jetstream.consumers_info(name):
            if (name, consumer.name) not in wanted:
                await jetstream.delete_consumer(name, consumer.name)


async def done_up_to(jetstream: JetStreamContext, broker: str) -> int:
    """Number of the last event that every Trigger, and so every event before it, is done with."""
    stream = await jetstream.stream_info(name_of(broker))
    consumers = await jetstream.consumers_info(name_of(broker))
    floors = [consumer.ack_floor.stream_seq for consumer in consumers if consumer.ack_floor]
    return min([*floors, stream.state.last_seq])


async def publish(jetstream: JetStreamContext, broker: str, event: CloudEvent, hops: int = 0) -> None:
    """Store an event, once for its source and id. Returns when it is on the disk; NatsError or TimeoutError if not."""
    identity = hashlib.sha256(json.dumps([event["source"], event["id"]]).encode()).hexdigest()
    headers = {"Nats-Msg-Id": identity, HOPS: str(hops)}
    await jetstream.publish(subject_of(broker), to_bytes(event), timeout=_PUBLISH_SECONDS, headers=headers)


def to_bytes(event: CloudEvent) -> bytes:
    """An event as it lies in a stream: one line of JSON with its headers in binary mode, then its data as it came."""
    headers, data = event.to_binary()
    return json.dumps(headers).encode() + b"\n" + data


def from_bytes(body: bytes) -> CloudEvent:
    """What `to_bytes` wrote."""
    headers, _, data = body.partition(b"\n")
    return decode(json.loads(headers), data)


async def _tell(error: Exception) -> None:
    _log.warning("the event stream: %r", error)


async def _ensure_stream(jetstream: JetStreamContext, broker: str) -> None:
    config = api.StreamConfig(
        name=name_of(broker),
        subjects=[subject_of(broker)],
        storage=api.StorageType.FILE,
        retention=api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.NEW,
        max_bytes=MAX_STREAM_BYTES,
        max_msg_size=2 * MAX_EVENT_BYTES,
        duplicate_window=DUPLICATE_SECONDS,
    )
    try:
        await jetstream.add_stream(config)
    except BadRequestError:  # it is there with other limits, of a version before
        await jetstream.update_stream(config)
