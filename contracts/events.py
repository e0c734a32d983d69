"""The events by which driftloop's services speak: the data of each type, and its way into a CloudEvent and back.

Everything is delivered at least once. The same content has the same id, so a consumer may de-duplicate on source + id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaMode

from contracts.cloudevent import CloudEvent
from contracts.errors import DataError
from contracts.packed import MAX_ROWS as MAX_ROWS
from contracts.packed import Float32, Float64, Requests, Runs, or_packed

PREFIX, SUFFIX = "dev.driftloop.", ".v1"
MAX_FEATURES = 2_000

Text = Annotated[str, Field(min_length=1, max_length=1024)]
LoopName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=63)]
Uri = Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://\S+$", max_length=1024)]
Scalar = bool | int | float | Annotated[str, Field(max_length=1024)]
Share = Annotated[float, Field(ge=0, le=1)]
RowIds = Annotated[tuple[Text, ...], Field(min_length=1, max_length=MAX_ROWS)]
Times = tuple[AwareDatetime, ...]
Values = tuple[Scalar | None, ...]
Shares = tuple[Share | None, ...]
Seconds = tuple[Annotated[float, Field(ge=0)], ...]
Errors = tuple[Annotated[str, Field(max_length=1024)] | None, ...]


class EventData(BaseModel):
    """What every type shares: the loop it is about. A field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    name: ClassVar[str]
    schema_mode: ClassVar[JsonSchemaMode] = "serialization"
    """Whether its JSON schema is of what is written, or of all that is taken."""
    loop: LoopName

    @classmethod
    def type(cls) -> str:
        """The CloudEvents type, such as `dev.driftloop.payload.v1`."""
        return f"{PREFIX}{cls.name}{SUFFIX}"


class Payload(EventData):
    """A micro-batch of requests that one model version answered. Every list has an entry for each row, in one order.

    In JSON a list may have a shorter form; whoever reads it gets the list.
    """

    name = "payload"
    schema_mode = "validation"
    model_version: Text
    revision: Text
    row_ids: Annotated[RowIds, or_packed(RowIds, Requests)]
    timestamps: Annotated[Times, or_packed(Times, Runs)]
    """When each row was answered."""
    columns: Annotated[dict[Text, Annotated[Values, or_packed(Values, Float32)]], Field(max_length=MAX_FEATURES)]
    """Feature → values; null is a missing value, for JSON has no NaN."""
    scores: dict[Text, Annotated[Shares, or_packed(Shares, Float32)]]
    """Class → probabilities; null in every class for a row that got an error."""
    seconds: Annotated[Seconds, or_packed(Seconds, Runs, Float64)]
    """How long the predictor took for the request that held the row."""
    errors: Annotated[Errors, or_packed(Errors, Runs)]
    """Why a row got no score; null if it got one."""

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        own = {"timestamps": self.timestamps, "seconds": self.seconds, "errors": self.errors}
        _require_length(len(self.row_ids), {**own, **self.columns, **self.scores})
        for row, error in enumerate(self.errors):
            if error is None and any(values[row] is None for values in self.scores.values()):
                raise ValueError(f"row {self.row_ids[row]!r} has neither a score nor an error")
        return self


class Label(EventData):
    """What became of some rows. Every list has an entry for each row, in one order."""

    name = "label"
    row_ids: Annotated[tuple[Text, ...], Field(min_length=1, max_length=MAX_ROWS)]
    labels: tuple[Scalar, ...]
    event_times: tuple[AwareDatetime, ...]
    """When each label came to be known."""

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        _require_length(len(self.row_ids), {"labels": self.labels, "event_times": self.event_times})
        return self


class Window(EventData):
    """A window of the event log stands in storage: told once it is full, and once more when its labels have come."""

    name = "window"
    window: Text
    """Which one: the same both times. Those of one version sort by it in their order."""
    uri: Uri
    """Parquet of the rows."""
    reference_uri: Uri
    """Parquet of the rows to compare with."""
    model_version: Text
    start: AwareDatetime
    end: AwareDatetime
    """Not included. A few rows whose times are far from the others' lie outside."""
    rows: Annotated[int, Field(ge=1)]
    labelled: Annotated[int, Field(ge=0)] = 0
    """Rows with a label; 0 when it is told for the first time."""

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"the end {self.end} is not after the start {self.start}")
        return self


class Evidence(BaseModel):
    """One statistical test of one column."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    feature: Text
    test: Text
    statistic: float
    p_value: Share
    drifted: bool


class Performance(BaseModel):
    """How well the rows of a window were scored, by their labels."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    metric: Literal["roc_auc"]
    value: float
    low: float
    high: float
    """The band that holds the metric's true value with the loop's confidence."""
    expected: float
    """The metric on the holdout when the version was registered."""
    rows: Annotated[int, Field(ge=1)]
    """Rows with a label."""
    fell: bool
    """Whether the whole band lies below what is expected, by more than the loop tolerates."""


class Drift(EventData):
    """What the detector found in one window."""

    name = "drift"
    window_id: Text
    """Id of the window's event."""
    window: Text
    """Which window, as in its event."""
    model_version: Text
    start: AwareDatetime
    end: AwareDatetime
    """Not included."""
    rows: Annotated[int, Field(ge=1)]
    features: Annotated[tuple[Evidence, ...], Field(max_length=MAX_FEATURES)]
    scores: tuple[Evidence, ...]
    """The same of the model's scores, `feature` being the class."""
    drifted_importance: Share | None = None
    """How much of the model's importance the drifted features carry."""
    performance: Performance | None = None
    """Only of a window that has its labels."""
    reasons: tuple[Text, ...] = ()
    """Why the verdict is drift, in sentences; none for any other verdict."""
    verdict: Literal["none", "warning", "drift"]
    """warning: some feature drifted, which alone is no reason to retrain."""


class Retrain(EventData):
    """What the trigger decided about one drift event."""

    name = "retrain"
    drift_id: Text
    """Id of the drift event."""
    episode: Text
    """The run of drifted windows that this decision belongs to; one episode has at most one pipeline run."""
    at: AwareDatetime
    """End of the window that was decided on."""
    decision: Literal["accepted", "suppressed"]
    reason: Text
    pipeline_run: Text | None = None

    @model_validator(mode="after")
    def _names_its_run(self) -> Self:
        if (self.decision == "accepted") != (self.pipeline_run is not None):
            raise ValueError(
                f"{self.decision} with pipeline_run {self.pipeline_run!r}: accepted, and only it, names a run"
            )
        return self


class Rollout(EventData):
    """One decision about a version on its way into service."""

    name = "rollout"
    version: Text
    step_percent: Annotated[int, Field(ge=0, le=100)]
    """Share of the traffic that the version had when it was judged."""
    verdict: Literal["pass", "fail", "inconclusive", "promoted", "rolled_back"]
    decided_at: AwareDatetime
    reasons: Annotated[tuple[Text, ...], Field(max_length=50)] = ()
    """In sentences."""
    evidence: Annotated[dict[Text, Scalar | None], Field(max_length=200)]
    """Measure → value, such as `canary_error_share` → 0.01."""


TYPES: dict[str, type[EventData]] = {
    kind.type(): kind for kind in (Payload, Label, Window, Drift, Retrain, Rollout)
}  # fmt: skip
"""CloudEvents type → its data."""


def event_id(source: str, data: EventData) -> str:
    """The same source and content give the same id, in every process: 32 hex digits."""
    content = json.dumps([data.type(), source, data.model_dump(mode="json")], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def to_event(data: EventData, source: str, time: datetime | None = None) -> CloudEvent:
    """The event of some data. `source` is the loop or service that tells it, such as `/driftloop/drift`.

    Its extension `loop` is there to filter on. `time` is no content: it does not change the id.
    """
    attributes = {"id": event_id(source, data), "source": source, "type": data.type(), "loop": data.loop}
    if time is not None:
        if time.tzinfo is None:
            raise DataError(f"The event's time {time} has no time zone.", "Give a UTC time.")
        attributes["time"] = time.isoformat()
    return CloudEvent(attributes, data.model_dump_json().encode(), "application/json")


def from_event(event: CloudEvent) -> EventData:
    """The data of an event of one of our types. DataError tells which field of it is wrong."""
    kind = TYPES.get(event["type"])
    if kind is None:
        raise DataError(f"The event's type is {event['type']!r}.", f"Known are {', '.join(TYPES)}.")
    try:
        return kind.model_validate_json(event.data)
    except ValidationError as error:
        raise DataError(f"Event {event['id']} of type {event['type']}: {_first(error)}") from error


def schemas() -> dict[str, dict[str, Any]]:
    """JSON schema of each type's data, by the name of its file in contracts/schemas/."""
    return {
        f"{kind.name}.v1.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **kind.model_json_schema(mode=kind.schema_mode),
        }
        for kind in TYPES.values()
    }


def _require_length(rows: int, lists: Mapping[str, Sequence[object]]) -> None:
    for name, values in lists.items():
        if len(values) != rows:
            raise ValueError(f"{name!r} has {len(values)} entries for {rows} row_ids")


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"]) or "its data"
    return f"{where}: {problem['msg']}; it is {str(problem['input'])[:200]!r}."
