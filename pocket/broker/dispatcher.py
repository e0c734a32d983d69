"""Carries events from the streams to subscribers: one durable consumer a Trigger, at least once, in no order."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts.cloudevent import CloudEvent, decode, is_event
from contracts.errors import DataError
from pocket.broker import stream
from pocket.broker.delivery import Answer, dead_letter, deliver
from pocket.broker.routes import Routes, Trigger

PAUSE_SECONDS = 0.5
_FETCH_SECONDS = 2.0
_SINK_PAUSE_SECONDS = 30.0

_log = logging.getLogger(__name__)


class Dispatcher:
    """Runs the Triggers of the routes it was given last."""

    def __init__(self, jetstream: JetStreamContext, session: aiohttp.ClientSession, tasks: asyncio.TaskGroup) -> None:
        self.jetstream = jetstream
        self.session = session
        self.tasks = tasks
        self.running: dict[str, tuple[Trigger, asyncio.Task[None]]] = {}

    async def route(self, routes: Routes) -> None:
        """Run these Triggers: those that stay as they are go on, changed ones start anew with what is not done."""
        wanted = {trigger.name: trigger for trigger in routes.triggers}
        for name, (trigger, task) in list(self.running.items()):
            if wanted.get(name) != trigger:
                task.cancel()
                del self.running[name]
        for name in wanted.keys() - self.running.keys():
            courier = Courier(self.jetstream, self.session, wanted[name])
            self.running[name] = wanted[name], self.tasks.create_task(courier.run())


class Courier:
    """One Trigger at work."""

    def __init__(self, jetstream: JetStreamContext, session: aiohttp.ClientSession, trigger: Trigger) -> None:
        self.jetstream = jetstream
        self.session = session
        self.trigger = trigger
        self.places = asyncio.Semaphore(stream.IN_FLIGHT)

    async def run(self) -> None:
        """Fetch and deliver for ever; never more at once than there are places."""
        names = stream.name_of(self.trigger.name), stream.name_of(self.trigger.broker)
        subscription = await self.jetstream.pull_subscribe_bind(*names)
        async with asyncio.TaskGroup() as deliveries:
            try:
                while True:
                    await self.places.acquire()
                    message = await self._fetch(subscription)
                    if message is None:
                        self.places.release()
                    else:
                        deliveries.create_task(self._handle(message))
            finally:  # before the deliveries give back what they have, or it would come here again
                with suppress(stream.NatsError):
                    await subscription.unsubscribe()

    async def _fetch(self, subscription: JetStreamContext.PullSubscription) -> Msg | None:
        try:
            return (await subscription.fetch(1, timeout=_FETCH_SECONDS))[0]
        except TimeoutError:  # nothing to do
            return None
        except stream.NatsError as error:
            _log.warning("trigger %s: the event stream does not answer: %r", self.trigger.name, error)
            await asyncio.sleep(PAUSE_SECONDS)
            return None

    async def _handle(self, message: Msg) -> None:
        try:
            event = stream.from_bytes(message.data)
            if self.trigger.wants(event):
                async with _claimed(message):
                    await self._carry(event, int((message.headers or {}).get(stream.HOPS, "0")))
            await message.ack()
        except asyncio.CancelledError:  # the Trigger has changed, or this process ends: whoever comes next has it now
            await message.nak()
            raise
        except (stream.NatsError, TimeoutError) as error:  # it comes again
            _log.warning("trigger %s: an event is not done: %r", self.trigger.name, error)
        finally:
            self.places.release()

    async def _carry(self, event: CloudEvent, hops: int) -> None:
        answer = await deliver(self.session, self.trigger.subscriber, event, self.trigger.delivery)
        if answer.delivered and is_event(answer.headers):
            answer = await self._publish_reply(answer, hops + 1)
        if not answer.delivered:
            await self._bury(event, answer)

    async def _publish_reply(self, answer: Answer, hops: int) -> Answer:
        """Publish the event of an answer. One that is none, or that goes in a circle, makes the answer a reject."""
        if hops > stream.MAX_HOPS:
            return Answer(400, f"the answer is the {hops}th in a row: subscribers answer each other".encode())
        try:
            reply = decode(answer.headers, answer.body)
        except DataError as error:
            return Answer(400, f"the answer is not a CloudEvent: {error}".encode())
        await stream.publish(self.jetstream, self.trigger.broker, reply, hops)
        return answer

    async def _bury(self, event: CloudEvent, answer: Answer) -> None:
        """Give an event to the dead-letter sink, which is waited for as long as it takes."""
        why = {"trigger": self.trigger.name, "id": event["id"], "source": event["source"], "status": answer.status}
        _log.warning("not delivered: %s %s", json.dumps(why), answer.body[:200])
        sink = self.trigger.delivery.deadLetterSink
        if sink is None:
            return
        letter, pause = dead_letter(event, self.trigger.subscriber, answer), PAUSE_SECONDS
        while (taken := await deliver(self.session, sink.uri, letter, self.trigger.delivery)).retried:
            _log.warning("the dead-letter sink %s does not take %s: %s", sink.uri, event["id"], taken.body[:200])
            await asyncio.sleep(pause)
            pause = min(2 * pause, _SINK_PAUSE_SECONDS)
        if not taken.delivered:
            _log.error("lost, the dead-letter sink refuses it: %s %s", json.dumps(why), taken.body[:200])


@asynccontextmanager
async def _claimed(message: Msg) -> AsyncIterator[None]:
    """Tell the stream again and again that a message is being worked on."""

    async def claim() -> None:
        while True:
            await asyncio.sleep(stream.ACK_SECONDS / 3)
            with suppress(stream.NatsError):  # it will be delivered twice
                await message.in_progress()

    task = asyncio.create_task(claim())
    try:
        yield
    finally:
        task.cancel()


async def purge_for_ever(jetstream: JetStreamContext, routes: Callable[[], Routes | None]) -> None:
    """Once a window of duplicates, delete what was done with at its start: no duplicate of it matters now."""
    done: dict[str, int] = {}
    while True:
        try:
            done = await purge(jetstream, routes() or Routes(), done)
        except (stream.NatsError, TimeoutError) as error:
            _log.warning("what is done with is not deleted yet: %r", error)
        await asyncio.sleep(stream.DUPLICATE_SECONDS)


async def purge(jetstream: JetStreamContext, routes: Routes, done: dict[str, int]) -> dict[str, int]:
    """Delete each Broker's events up to the number given; the numbers up to which all is done with now."""
    now = {broker: await stream.done_up_to(jetstream, broker) for broker in routes.brokers}
    for broker in done.keys() & now.keys():
        if up_to := min(done[broker], now[broker]):  # less now: the Broker was made anew meanwhile
            await jetstream.purge_stream(stream.name_of(broker), seq=up_to + 1)
    return now
