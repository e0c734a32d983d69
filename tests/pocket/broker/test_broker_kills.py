"""Nothing that was answered 202 is lost, and nothing is invented, whatever is killed."""

from __future__ import annotations

import http.client
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from broker_parts import Running, broker, event, subscribing, trigger, wait_until

EVENTS = 2000
PER_SECOND = 300
KILLED = ("nats", "broker-ingress", "broker-dispatcher")


def test_every_event_answered_202_arrives(running: Running, namespace: str) -> None:
    """2,000 events at a steady rate, while NATS, ingress and dispatcher are killed in turn, twice each.

    A sender sends an event again until it is answered 202, as every sender of events should.
    """
    with subscribing() as subscriber, subscribing() as other:
        running.apply(
            broker(namespace),
            trigger(namespace, "all", subscriber.url, delivery={"retry": 3}),
            trigger(namespace, "half", other.url, filter={"attributes": {"type": "even"}}),
        )
        with ThreadPoolExecutor(17) as pool:
            killer = pool.submit(kill_in_turn, running)
            start = time.monotonic()
            attempts = list(pool.map(lambda number: send(running, namespace, start, number), range(EVENTS)))
            killer.result()
        assert max(attempts) > 1  # the deaths were felt
        sent = {str(number) for number in range(EVENTS)}
        even = {str(number) for number in range(0, EVENTS, 2)}
        wait_until(lambda: len(set(subscriber.ids)) >= len(sent) and len(set(other.ids)) >= len(even))
        assert (set(subscriber.ids), set(other.ids)) == (sent, even)
        assert all(found.data == b'{"n":%s}' % found["id"].encode() for found in subscriber.events)


def send(running: Running, namespace: str, start: float, number: int) -> int:
    """Send one event when its time has come, until it is answered 202; how often."""
    time.sleep(max(0.0, start + number / PER_SECOND - time.monotonic()))
    headers, body = event(str(number), "odd" if number % 2 else "even", b'{"n":%d}' % number).to_binary()
    for attempt in itertools.count(1):
        with suppress(OSError, http.client.HTTPException):
            if running.post(f"{namespace}/default", headers, body)[0] == 202:
                return attempt
        time.sleep(0.05)
    raise AssertionError


def kill_in_turn(running: Running) -> None:
    """Kill one after another, each when the one before has been started again and has worked for a while."""
    for name in 2 * KILLED:
        time.sleep(0.5)
        running.kill(name)
