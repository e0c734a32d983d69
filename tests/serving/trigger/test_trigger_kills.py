"""One episode has one run, whenever the trigger is killed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from service_process import environment, free_port, serving
from trigger_parts import Pipelines, answering, drift_event

from contracts.cloudevent import CloudEvent, decode
from contracts.events import Retrain, from_event
from contracts.settings import Settings

EVENTS, TIMES = 50, 20


def deliver(client: httpx.Client, event: CloudEvent, until: float) -> Retrain:
    """Send an event again and again, as a Broker does, until it is acknowledged."""
    headers, body = event.to_binary()
    while True:
        try:
            answer = client.post("/", headers=headers, content=body, timeout=30)
            if answer.status_code == 200:
                decision = from_event(decode(dict(answer.headers), answer.content))
                assert isinstance(decision, Retrain)
                return decision
            assert answer.status_code == 503, answer.text
        except httpx.TransportError:
            pass
        assert monotonic() < until, "never acknowledged"
        sleep(0.1)


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when it is so."""
    until = monotonic() + 90
    while not condition():
        assert monotonic() < until
        sleep(0.01)


@pytest.mark.slow
def test_a_thousand_deliveries_and_two_kills_make_one_run(
    s3_settings: Settings, loops: Path, loop: str, tmp_path: Path
) -> None:
    """50 windows of one episode, each told twenty times at random by 16 at once; kill -9 at the run and once later."""
    pipelines = Pipelines(delay_seconds=0.3)
    deliveries = [drift_event(loop, index) for index in range(EVENTS)] * TIMES
    random.Random(5).shuffle(deliveries)
    port = free_port()
    with answering(pipelines) as endpoint, ExitStack() as lives:
        env = environment(
            s3_settings,
            KF_PIPELINES_ENDPOINT=endpoint,
            DRIFTLOOP_LOOPS=str(loops),
            DRIFTLOOP_TRIGGER_SETTLE_SECONDS="2",
        )
        life = lives.enter_context(serving("serving.trigger", env, tmp_path, port=port))
        with httpx.Client(base_url=life.url) as client, ThreadPoolExecutor(16) as pool:
            until = monotonic() + 100
            told = [pool.submit(deliver, client, event, until) for event in deliveries]
            wait_until(lambda: pipelines.asked == 1)
            life.kill()  # the run is claimed and asked for, but not there yet
            life = lives.enter_context(serving("serving.trigger", env, tmp_path, port=port))
            wait_until(lambda: sum(one.done() for one in told) > len(told) // 3)
            life.kill()
            lives.enter_context(serving("serving.trigger", env, tmp_path, port=port))
            decisions = [one.result() for one in told]
    assert len(pipelines.names(loop)) == 1
    accepted = {one for one in decisions if one.decision == "accepted"}
    assert {one.pipeline_run for one in accepted} == set(pipelines.names(loop))
    assert len({one.drift_id for one in decisions}) == EVENTS
    assert set(Counter(decisions).values()) == {TIMES}
