"""Who gets what: Broker and Trigger objects of `eventing.knative.dev/v1`, read from a JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from contracts.cloudevent import CloudEvent
from contracts.errors import ConfigError
from pocket.broker.filters import Filter

MAX_BACKOFF_SECONDS = 3600.0


Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=63)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _iso(value: object) -> object:
    if isinstance(value, timedelta) or (isinstance(value, str) and value.startswith("P")):
        return value
    raise ValueError("write an ISO 8601 duration such as PT0.5S")


Duration = Annotated[timedelta, BeforeValidator(_iso), Field(ge=timedelta(0))]


class Sink(_Part):
    """Where events go."""

    uri: Annotated[str, Field(pattern=r"^https?://[^\s/]+(/\S*)?$")]


class Delivery(_Part):
    """How hard it is tried, and where an event goes that cannot be delivered."""

    retry: Annotated[int, Field(ge=0, le=1000)] = 0
    """Attempts after the first."""
    backoffPolicy: Literal["linear", "exponential"] = "exponential"  # noqa: N815  Kubernetes' own spelling
    backoffDelay: Duration = timedelta(milliseconds=200)  # noqa: N815
    timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    deadLetterSink: Sink | None = None  # noqa: N815

    def pause_seconds(self, retry: int) -> float:
        """How long to wait before the retry of this number, which starts at 1: delay * n, or delay * 2^n."""
        factor = retry if self.backoffPolicy == "linear" else 2 ** min(retry, 40)
        return min(self.backoffDelay.total_seconds() * factor, MAX_BACKOFF_SECONDS)


class _Attributes(_Part):
    attributes: dict[str, str] = {}


class _TriggerSpec(_Part):
    broker: str
    subscriber: Sink
    filter: _Attributes | None = None
    filters: tuple[Filter, ...] | None = None
    delivery: dict[str, Any] = {}


class _BrokerSpec(_Part):
    config: dict[str, Any] | None = None  # which class of channel to use: there is one
    delivery: dict[str, Any] = {}


class _Metadata(BaseModel):
    name: Name
    namespace: Name = "default"


class _Object(BaseModel):
    apiVersion: Literal["eventing.knative.dev/v1"]  # noqa: N815
    kind: Literal["Broker", "Trigger"]
    metadata: _Metadata
    spec: dict[str, Any] = {}

    @property
    def key(self) -> str:
        return f"{self.metadata.namespace}/{self.metadata.name}"


class Trigger(_Part):
    """One subscription to a Broker."""

    broker: str
    """<namespace>/<broker>"""
    name: str
    """<namespace>/<trigger>"""
    subscriber: str
    delivery: Delivery
    exact: dict[str, str] = {}
    filters: tuple[Filter, ...] | None = None

    def wants(self, event: CloudEvent) -> bool:
        """Whether an event passes; `filters` wins over `filter`. An empty value in `filter` asks for presence only."""
        attributes = {**event.attributes, "specversion": "1.0", "datacontenttype": event.content_type or ""}
        if self.filters is not None:
            return all(part.passes(attributes) for part in self.filters)
        return all(
            attributes.get(name) if not value else attributes.get(name) == value for name, value in self.exact.items()
        )


class Routes(_Part):
    """Every Broker by <namespace>/<name>, and the Triggers on them."""

    brokers: frozenset[str] = frozenset()
    triggers: tuple[Trigger, ...] = ()


def read(path: Path) -> Routes:
    """The routes of a file that holds a list of objects, or a `List`. ConfigError names the object and the field."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}.", "Correct it.") from error
    items = found.get("items") if isinstance(found, dict) else found
    if not isinstance(items, list):
        raise ConfigError(f"{path} is not a list of Brokers and Triggers.", 'Write [...] or {"items": [...]}.')
    brokers: dict[str, dict[str, Any]] = {}
    with _explained(path):
        objects = [_Object.model_validate(each) for each in items]
    for each in objects:
        if each.kind == "Broker":
            with _explained(path, each):
                brokers[each.key] = _BrokerSpec(**each.spec).delivery
    triggers = []
    for each in objects:
        if each.kind == "Trigger":
            with _explained(path, each):
                triggers.append(_trigger(each, brokers))
    return Routes(brokers=frozenset(brokers), triggers=tuple(each for each in triggers if each.broker in brokers))


def _trigger(found: _Object, brokers: dict[str, dict[str, Any]]) -> Trigger:
    spec = _TriggerSpec(**found.spec)
    broker = f"{found.metadata.namespace}/{spec.broker}"
    return Trigger(
        broker=broker,
        name=found.key,
        subscriber=spec.subscriber.uri,
        delivery=Delivery(**{**brokers.get(broker, {}), **spec.delivery}),
        exact=spec.filter.attributes if spec.filter else {},
        filters=spec.filters,
    )


@contextmanager
def _explained(path: Path, found: _Object | None = None) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        problem = error.errors()[0]
        where = f"{found.kind} {found.key}: " if found else ""
        field = ".".join(map(str, problem["loc"]))
        raise ConfigError(
            f"{path}: {where}{field} = {str(problem['input'])[:200]!r}: {problem['msg']}.", "Correct the file."
        ) from error
