"""The rules of delivery, each with real receivers: what is done, tried again, rejected, buried, and published again."""

from __future__ import annotations

import base64
import socket
import threading
import time

from broker_parts import Reply, Running, broker, event, subscribing, taken, trigger, wait_until

from contracts.cloudevent import CloudEvent

QUICK = {"retry": 2, "backoffPolicy": "linear", "backoffDelay": "PT0.01S"}
RETRIED = (404, 408, 409, 429, 500, 502, 503, 504)
REJECTED = (301, 304, 400, 401, 403, 405, 410, 413, 422, 451)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def first_then_taken(found: CloudEvent, times: int) -> Reply:
    """Answer with the status in the event's type at first, and content afterwards."""
    return (int(found["type"]), {}, b"not now") if times == 1 else (200, {}, b"")


def always(found: CloudEvent, times: int) -> Reply:
    """Answer with the status in the event's type, every time."""
    return int(found["type"]), {}, f"no \u2013 {found['id']}\n".encode() if found["type"] != "304" else b""


def words(letter: CloudEvent) -> str:
    """What a dead letter says was answered."""
    return base64.b64decode(letter["knativeerrordata"]).decode()


def test_some_answers_are_tried_again(running: Running, namespace: str) -> None:
    """404, 408, 409, 429 and every 5xx: the second attempt delivers, and nothing is a dead letter."""
    with subscribing(first_then_taken) as subscriber, subscribing() as sink:
        delivery = {**QUICK, "deadLetterSink": {"uri": sink.url}}
        running.apply(broker(namespace), trigger(namespace, "t", subscriber.url, delivery=delivery))
        running.publish(f"{namespace}/default", *(event(f"e{status}", str(status)) for status in RETRIED))
        wait_until(lambda: len(subscriber.events) >= 2 * len(RETRIED))
        assert sorted(subscriber.ids) == sorted(2 * [f"e{status}" for status in RETRIED])
        assert not sink.events


def test_other_answers_are_rejects(running: Running, namespace: str) -> None:
    """Any other 3xx or 4xx: one attempt, then a dead letter that tells who said what; redirects are not followed."""
    with subscribing(always) as subscriber, subscribing() as sink:
        delivery = {**QUICK, "deadLetterSink": {"uri": sink.url}}
        running.apply(broker(namespace), trigger(namespace, "t", subscriber.url, delivery=delivery))
        sent = {f"e{status}": event(f"e{status}", str(status), subject="caf\u00e9 %") for status in REJECTED}
        running.publish(f"{namespace}/default", *sent.values())
        wait_until(lambda: len(sink.events) >= len(REJECTED))
        assert sorted(subscriber.ids) == sorted(sink.ids) == sorted(sent)
        for letter in sink.events:
            assert {name: letter[name] for name in sent[letter["id"]].attributes} == sent[letter["id"]].attributes
            assert (letter["knativeerrordest"], letter["knativeerrorcode"]) == (subscriber.url, letter["type"])
            assert words(letter) == ("" if letter["type"] == "304" else f"no \u2013 {letter['id']}\n")


def test_retries_come_to_an_end(running: Running, namespace: str) -> None:
    """`retry` attempts after the first, then a dead letter; without a sink the event is dropped and told."""
    with subscribing(always) as subscriber, subscribing() as sink:
        running.apply(
            broker(namespace, delivery={"deadLetterSink": {"uri": sink.url}, "retry": 9}),
            broker(namespace, "sinkless"),
            trigger(namespace, "t", subscriber.url, delivery=QUICK),
            trigger(namespace, "dropped", subscriber.url, on="sinkless"),
        )
        running.publish(f"{namespace}/default", event("tried", "503"))
        running.publish(f"{namespace}/sinkless", event("once", "503"))
        wait_until(lambda: sink.events and subscriber.count("once") and '"once"' in running.log("dispatcher"))
        assert (subscriber.count("tried"), subscriber.count("once")) == (3, 1)
        assert sink.ids == ["tried"]


def test_who_cannot_be_reached_is_tried_again(running: Running, namespace: str) -> None:
    """Nobody listens: it counts as a 500. Once somebody does, the event arrives."""
    port = closed_port()
    patient = {"retry": 999, "backoffPolicy": "linear", "backoffDelay": "PT0.02S"}
    with subscribing() as sink:
        hasty = {**QUICK, "deadLetterSink": {"uri": sink.url}}
        running.apply(
            broker(namespace),
            trigger(namespace, "waits", f"http://127.0.0.1:{port}/", delivery=patient),
            trigger(namespace, "gives-up", f"http://127.0.0.1:{port}/", delivery=hasty),
        )
        running.publish(f"{namespace}/default", event("e"))
        wait_until(lambda: sink.events)
        assert sink.events[0]["knativeerrorcode"] == "500"
        assert "cannot be reached" in words(sink.events[0])
        with subscribing(taken, port) as subscriber:
            wait_until(lambda: subscriber.ids == ["e"])


def test_who_does_not_answer_in_time_is_tried_again(running: Running, namespace: str) -> None:
    """`timeout` is for one attempt."""
    answered = threading.Event()

    def slow(found: CloudEvent, times: int) -> Reply:
        if times == 1:
            answered.wait(20)
        return 200, {}, b""

    with subscribing(slow) as subscriber:
        running.apply(
            broker(namespace), trigger(namespace, "t", subscriber.url, delivery={**QUICK, "timeout": "PT0.2S"})
        )
        running.publish(f"{namespace}/default", event("e"))
        wait_until(lambda: subscriber.count("e") == 2)
        answered.set()


def test_a_dead_letter_waits_for_its_sink(running: Running, namespace: str) -> None:
    """A sink that is away loses nothing."""
    port = closed_port()
    with subscribing(always) as subscriber:
        delivery = {"deadLetterSink": {"uri": f"http://127.0.0.1:{port}/"}}
        running.apply(broker(namespace), trigger(namespace, "t", subscriber.url, delivery=delivery))
        running.publish(f"{namespace}/default", event("e", "400"))
        wait_until(lambda: f"{port}/ does not take e" in running.log("dispatcher"))
        with subscribing(taken, port) as sink:
            wait_until(lambda: sink.ids == ["e"])
        assert subscriber.ids == ["e"]


def test_an_event_in_an_answer_is_published(running: Running, namespace: str) -> None:
    """In either mode; another Trigger gets it. An answer that only says that it is an event makes a dead letter."""

    def answering(found: CloudEvent, times: int) -> Reply:
        reply = event(f"reply-{found['id']}", "reply", b'{"n":1}')
        if found["id"] == "bad":
            return 200, {"ce-specversion": "1.0", "ce-id": "x"}, b""
        headers, body = reply.to_binary() if found["id"] == "binary" else reply.to_structured()
        return 200, headers, body

    with subscribing(answering) as subscriber, subscribing() as other, subscribing() as sink:
        running.apply(
            broker(namespace, delivery={"deadLetterSink": {"uri": sink.url}}),
            trigger(namespace, "asked", subscriber.url, filter={"attributes": {"type": "ask"}}),
            trigger(namespace, "told", other.url, filter={"attributes": {"type": "reply"}}),
        )
        running.publish(f"{namespace}/default", *(event(name, "ask") for name in ("binary", "structured", "bad")))
        wait_until(lambda: len(other.events) == 2 and sink.events)
        assert sorted(other.ids) == ["reply-binary", "reply-structured"]
        assert {found.data for found in other.events} == {b'{"n":1}'}
        assert sink.ids == ["bad"]
        assert "not a CloudEvent" in words(sink.events[0])


def test_subscribers_that_answer_each_other_come_to_an_end(running: Running, namespace: str) -> None:
    """A Trigger whose answers it gets itself does not run for ever."""

    def echo(found: CloudEvent, times: int) -> Reply:
        headers, body = event(f"{int(found['id']) + 1}").to_binary()
        return 200, headers, body

    with subscribing(echo) as subscriber, subscribing() as sink:
        delivery = {"deadLetterSink": {"uri": sink.url}}
        running.apply(broker(namespace), trigger(namespace, "t", subscriber.url, delivery=delivery))
        running.publish(f"{namespace}/default", event("0"))
        wait_until(lambda: sink.events)
        assert sorted(map(int, set(subscriber.ids))) == list(range(33))
        assert "subscribers answer each other" in words(sink.events[0])


def test_filters_choose(running: Running, namespace: str) -> None:
    """Each Trigger gets what passes its own filter, and only that."""
    with subscribing() as by_type, subscribing() as by_filters, subscribing() as everything:
        running.apply(
            broker(namespace),
            trigger(namespace, "by-type", by_type.url, filter={"attributes": {"type": "a"}}),
            trigger(
                namespace,
                "by-filters",
                by_filters.url,
                filter={"attributes": {"type": "never"}},
                filters=[{"prefix": {"subject": "fl"}}, {"not": {"exact": {"type": "a"}}}],
            ),
            trigger(namespace, "everything", everything.url),
        )
        sent = [
            event("1", "a"),
            event("2", "b", subject="flights"),
            event("3", "a", subject="flights"),
            event("4", "b"),
        ]
        running.publish(f"{namespace}/default", *sent)
        wait_until(lambda: len(everything.events) == 4 and by_type.events and by_filters.events)
        wait_until(lambda: len(by_type.events) == 2)
        assert (sorted(by_type.ids), by_filters.ids, sorted(everything.ids)) == (
            ["1", "3"],
            ["2"],
            ["1", "2", "3", "4"],
        )


def test_no_more_than_the_limit_is_under_way(running: Running, namespace: str) -> None:
    """A subscriber that hangs gets 32 events at once; the rest waits on disk, and comes."""
    hanging, open_door = Subscribers(), threading.Event()

    def hang(found: CloudEvent, times: int) -> Reply:
        hanging.enter()
        open_door.wait(30)
        return 200, {}, b""

    with subscribing(hang) as subscriber:
        running.apply(broker(namespace), trigger(namespace, "t", subscriber.url))
        running.publish(f"{namespace}/default", *(event(str(number)) for number in range(50)))
        wait_until(lambda: hanging.count == 32)
        time.sleep(0.5)  # long enough for a 33rd, if one was to come
        assert hanging.count == 32
        open_door.set()
        wait_until(lambda: len(set(subscriber.ids)) == 50)


class Subscribers:
    """A count that threads share."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()

    def enter(self) -> None:
        """One more."""
        with self.lock:
            self.count += 1


def test_data_arrives_byte_by_byte(running: Running, namespace: str) -> None:
    """Whatever it is, and without headers the sender did not set."""
    with subscribing() as subscriber:
        running.apply(broker(namespace), trigger(namespace, "t", subscriber.url))
        sent = [
            CloudEvent({"id": "1", "source": "/\u00e9", "type": "t"}, bytes(range(256)), "application/octet-stream"),
            CloudEvent(
                {"id": "2", "source": "/s", "type": "t", "partitionkey": '"a" 100%'}, b'{ "a" : 1.0 }', "text/json"
            ),
            CloudEvent({"id": "3", "source": "/s", "type": "t"}),
        ]
        running.publish(f"{namespace}/default", *sent)
        wait_until(lambda: len(subscriber.events) == 3)
        assert sorted(subscriber.events, key=lambda found: found["id"]) == sent
