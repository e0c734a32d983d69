"""The file of routes: what it may say, what each filter lets through, and how a mistake is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from broker_parts import broker, event, trigger

from contracts.errors import ConfigError
from pocket.broker.routes import Delivery, read

URI = "http://127.0.0.1:1/"
FLIGHT = event("42", "dev.driftloop.drift.v1", subject="flights", loop="")


def written(folder: Path, *objects: dict[str, Any]) -> Path:
    """A file of routes."""
    path = folder / "routes.json"
    path.write_text(json.dumps(list(objects)))
    return path


@pytest.mark.parametrize(
    ("spec", "passes"),
    [
        ({}, True),
        ({"filter": {"attributes": {"type": "dev.driftloop.drift.v1", "source": "/test"}}}, True),
        ({"filter": {"attributes": {"type": "dev.driftloop.drift"}}}, False),
        ({"filter": {"attributes": {"subject": ""}}}, True),
        ({"filter": {"attributes": {"absent": ""}}}, False),
        ({"filter": {"attributes": {"datacontenttype": "application/json", "specversion": "1.0"}}}, True),
        ({"filters": []}, True),
        ({"filters": [{"exact": {"type": "dev.driftloop.drift.v1", "id": "42"}}]}, True),
        ({"filters": [{"exact": {"type": "dev.driftloop.drift.v1", "id": "43"}}]}, False),
        ({"filters": [{"prefix": {"type": "dev.driftloop."}}, {"suffix": {"type": ".v1"}}]}, True),
        ({"filters": [{"prefix": {"type": "dev.driftloop."}}, {"suffix": {"type": ".v2"}}]}, False),
        ({"filters": [{"prefix": {"absent": "a"}}]}, False),
        ({"filters": [{"not": {"exact": {"absent": "a"}}}]}, True),
        ({"filters": [{"not": {"prefix": {"type": "dev"}}}]}, False),
        ({"filters": [{"any": [{"exact": {"id": "1"}}, {"suffix": {"id": "2"}}]}]}, True),
        ({"filters": [{"any": [{"exact": {"id": "1"}}, {"suffix": {"id": "3"}}]}]}, False),
        ({"filters": [{"all": [{"exact": {"id": "42"}}, {"not": {"any": [{"suffix": {"id": "3"}}]}}]}]}, True),
        ({"filters": [{"all": [{"exact": {"id": "42"}}, {"suffix": {"id": "3"}}]}]}, False),
        ({"filters": [{"exact": {"id": "42"}}], "filter": {"attributes": {"id": "never"}}}, True),
    ],
)
def test_a_filter_passes_what_it_should(tmp_path: Path, spec: dict[str, Any], passes: bool) -> None:
    """Exact, prefix, suffix, all, any and not; `filters` wins over `filter`."""
    (found,) = read(written(tmp_path, broker("n"), trigger("n", "t", URI, **spec))).triggers
    assert found.wants(FLIGHT) is passes


@pytest.mark.parametrize(
    ("policy", "seconds"), [("linear", [0.5, 1.0, 1.5, 2.0]), ("exponential", [1.0, 2.0, 4.0, 8.0])]
)
def test_retries_wait_longer_each_time(policy: str, seconds: list[float]) -> None:
    """delay * n, or delay * 2^n, and never more than an hour."""
    delivery = Delivery.model_validate({"backoffPolicy": policy, "backoffDelay": "PT0.5S"})
    assert [delivery.pause_seconds(retry) for retry in (1, 2, 3, 4)] == seconds
    assert Delivery.model_validate({"backoffPolicy": policy, "backoffDelay": "PT1H"}).pause_seconds(1000) == 3600


def test_a_trigger_takes_what_it_does_not_say_from_its_broker(tmp_path: Path) -> None:
    """Field by field; a Trigger without a Broker waits for one."""
    shared = {"retry": 5, "timeout": "PT2S", "deadLetterSink": {"uri": URI}}
    routes = read(
        written(
            tmp_path,
            broker("n", delivery=shared),
            trigger("n", "t", URI, delivery={"retry": 1}),
            trigger("other", "t", URI),
        )
    )
    (found,) = routes.triggers
    assert (found.name, found.broker, found.delivery.retry) == ("n/t", "n/default", 1)
    assert found.delivery.timeout.total_seconds() == 2
    assert found.delivery.deadLetterSink is not None


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"subscriber": {"ref": {"kind": "Service", "name": "s"}}}, "subscriber.uri"),
        ({"subscriber": {"uri": "ftp://a"}}, "subscriber.uri = 'ftp://a'"),
        ({"filters": [{"cesql": "true"}]}, "filters.0.cesql"),
        ({"filters": [{"exact": {"a": "b"}, "prefix": {"a": "b"}}]}, "exactly one of"),
        ({"filters": [{}]}, "exactly one of"),
        ({"delivery": {"retry": -1}}, "retry = '-1'"),
        ({"delivery": {"backoffDelay": "1 s"}}, "backoffDelay = '1 s'.*PT0.5S"),
        ({"delivery": {"backoffPolicy": "random"}}, "'linear' or 'exponential'"),
        ({"brokerRef": {"name": "b"}}, "brokerRef"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, spec: dict[str, Any], why: str) -> None:
    """File, object, field and value."""
    with pytest.raises(ConfigError, match=f"routes.json: Trigger n/t: .*{why}"):
        read(written(tmp_path, broker("n"), trigger("n", "t", URI, **spec)))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "cannot be read as JSON"),
        ("{}", "is not a list of Brokers"),
        ('[{"kind": "Service", "apiVersion": "v1", "metadata": {"name": "a"}}]', "apiVersion"),
        ('[{"kind": "Broker", "apiVersion": "eventing.knative.dev/v1", "metadata": {"name": "a*"}}]', "metadata.name"),
    ],
)
def test_a_broker_does_not_start_with_a_wrong_file(tmp_path: Path, text: str, why: str) -> None:
    """It ends with 2 and says what is wrong, without a traceback and before anything is started."""
    (tmp_path / "routes.json").write_text(text)
    command = [sys.executable, "-m", "pocket.broker", f"--home={tmp_path / 'home'}"]
    done = subprocess.run(
        [*command, f"--config={tmp_path / 'routes.json'}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home" / "state").exists()
