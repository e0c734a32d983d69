"""The loop specification: one model kept honest, read from `pipelines/loops/<loop>.toml`."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Choices = Annotated[tuple[float | int | str, ...], Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSpec(_Section):
    """Where rows come from and how long the past reaches."""

    source: str
    """Name of a source of the loop's own, or `postgresql://…`, or `s3://bucket/prefix/`."""
    label_delay_hours: Annotated[float, Field(ge=0)] = 24
    """How long after its event a row's label is known."""
    max_quarantine_share: Share = 0.05
    """More bad rows than this and the run stops."""


class TrainSpec(_Section):
    """The search: which models, how many trials, judged how."""

    seed: int = 0
    trials: Annotated[int, Field(ge=1, le=1000)] = 4
    metric: Literal["roc_auc", "log_loss"] = "roc_auc"
    validation_days: Count = 14
    """The last days of the training window, held out to choose among trials."""
    trial_rows: Count | None = None
    """A trial is fitted on so many rows of its days at most, drawn with the seed; the chosen one is fitted on all."""
    threads: Count = 2
    """Threads of one trial's fit, beside which others may run. Another number may change the last bits of a model."""
    final_threads: Count = 2
    """Threads of the chosen trial's fit on the whole window, beside which nothing runs."""
    space: dict[
        Literal["xgboost", "hist_gradient_boosting", "logistic_regression", "random_forest"], dict[str, Choices]
    ]
    """For each kind of model, the values each parameter may take."""

    @model_validator(mode="after")
    def _has_a_kind(self) -> TrainSpec:
        if not self.space:
            raise ValueError("needs at least one kind of model, such as [train.space.xgboost]")
        return self


class GateSpec(_Section):
    """What a challenger must show before it may be registered."""

    min_roc_auc: Share = 0.5
    max_log_loss: Annotated[float, Field(gt=0)] = 1.0
    min_slice_roc_auc: Share = 0.5
    """Floor for every slice that has at least `min_slice_rows` labelled rows."""
    min_slice_rows: Count = 1000
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    """How far below the champion the interval of the difference may reach."""
    bootstrap_samples: Annotated[int, Field(ge=20, le=10_000)] = 200
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    holdout_days: Count = 31
    """Days after the training window on which champion and challenger are compared."""


class DriftSpec(_Section):
    """What the detector compares with what; stored beside the model it belongs to."""

    backend: Literal["alibi-detect", "scipy"] = "alibi-detect"
    reference_rows: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    window_rows: Annotated[int, Field(ge=50, le=1_000_000)] = 1000
    p_value: Annotated[float, Field(gt=0, lt=1)] = 0.01
    reason_share: Share = 0.5
    """Drifted features that carry this much of the model's importance are a reason, not only a warning."""
    min_labelled_share: Share = 0.8
    """A window's performance is judged once this much of it has labels."""
    fall: Annotated[float, Field(ge=0, le=1)] = 0.02
    """How far below the holdout's ROC AUC the whole band of a window must lie to count as a fall."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


class RetrainSpec(_Section):
    """When drift leads to a new training run, and on what it trains. Days are those of the events, not of the clock."""

    windows_drifted: Count = 3
    """Drifted windows among the last `windows_considered` that make an episode."""
    windows_considered: Count = 5
    cooldown_days: Annotated[float, Field(ge=0)] = 14
    """No second run so soon after the one before."""
    min_service_days: Annotated[float, Field(ge=0)] = 0
    """Drift alone does not replace a version that has served for less; a lasting fall of its performance does."""
    daily_budget: Count = 1
    """Runs a day, whatever happens."""
    training_days: Annotated[int, Field(ge=0)] = 0
    """Length of the training window; 0: everything since `history_start`."""
    history_start: date | None = None
    """First day of the source; needed where `training_days` is 0."""
    holdout_days: Count = 14
    """Newest days with labels, kept out of training for the gate."""

    @model_validator(mode="after")
    def _can_be_met(self) -> RetrainSpec:
        if self.windows_drifted > self.windows_considered:
            raise ValueError(
                f"windows_drifted = {self.windows_drifted} can never be reached among "
                f"windows_considered = {self.windows_considered}"
            )
        return self


Percent = Annotated[int, Field(ge=1, le=99)]


class RolloutSpec(_Section):
    """How a version goes live: its share of the traffic step by step, and what ends it."""

    steps: Annotated[tuple[Percent, ...], Field(min_length=1, max_length=10)] = (10, 50)
    """Shares before 100 %, ascending."""
    min_rows: Count = 500
    """Rows of the canary before a step is judged."""
    hold_seconds: Annotated[float, Field(gt=0)] = 300
    """How long a step waits for its rows before it is extended."""
    extensions: Annotated[int, Field(ge=0, le=10)] = 1
    """How often; then it is inconclusive, and the version is rolled back."""
    ready_seconds: Annotated[float, Field(gt=0)] = 300
    """How long a revision may take to become ready; then the version is rolled back."""
    max_error_share: Share = 0.01
    """Above the stable version's share of errors."""
    max_latency_ratio: Annotated[float, Field(gt=1)] = 2.0
    """Canary's median time for a row to the stable version's."""
    max_score_distance: Share = 0.25
    """Kolmogorov-Smirnov distance between the scores of both."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.99
    """Of every comparison, over all looks together."""

    @model_validator(mode="after")
    def _ascends(self) -> RolloutSpec:
        if list(self.steps) != sorted(set(self.steps)):
            raise ValueError(f"steps = {list(self.steps)} do not ascend")
        return self


class LoopSpec(_Section):
    """One loop, whole and checked."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    data: DataSpec
    train: TrainSpec
    gate: GateSpec = GateSpec()
    drift: DriftSpec = DriftSpec()
    retrain: RetrainSpec = RetrainSpec()
    rollout: RolloutSpec = RolloutSpec()

    @classmethod
    def load(cls, path: Path, overrides: tuple[str, ...] = ()) -> LoopSpec:
        """The spec in a TOML file named after its loop, with `section.key=value` overrides laid over it."""
        try:
            body = tomllib.loads(path.read_text())
        except FileNotFoundError as error:
            known = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml"))) or "none"
            raise ConfigError(f"No loop file {path}.", f"Loops there: {known}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not TOML: {error}.") from error
        if "name" in body:
            raise ConfigError(f"{path}: name = {body['name']!r}: a loop is named after its file.", "Remove the key.")
        for override in overrides:
            _lay_over(body, override)
        return cls._checked({"name": path.stem, **body}, str(path))

    @classmethod
    def from_json(cls, text: str) -> LoopSpec:
        """The spec as a pipeline parameter carries it."""
        try:
            body = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"The loop specification is not JSON: {error}.") from error
        return cls._checked(body, "loop specification")

    def to_json(self) -> str:
        """The same spec for `from_json`. The order of the search space is kept: it decides which trials are drawn."""
        return json.dumps(self.model_dump(mode="json"))

    @classmethod
    def _checked(cls, body: Any, origin: str) -> LoopSpec:
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise ConfigError(_explain(error, origin)) from error


def _lay_over(body: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    path = key.strip().split(".")
    if not equals or len(path) < 2:
        raise ConfigError(f"Override {override!r} is not of the form section.key=value.")
    for part in path[:-1]:
        body = body.setdefault(part, {})
        if not isinstance(body, dict):
            raise ConfigError(f"Override {override!r}: {part} is a value, not a section.")
    try:
        body[path[-1]] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        body[path[-1]] = value.strip()


def _explain(error: ValidationError, origin: str) -> str:
    return "\n".join(_explain_one(dict(problem), origin) for problem in error.errors())


def _explain_one(problem: dict[str, Any], origin: str) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        section = problem["loc"][:-1]
        allowed = ", ".join(_fields_of(section))
        return f"{origin}: unknown key {where} = {problem['input']!r}. Allowed here: {allowed}."
    if problem["type"] == "missing":
        return f"{origin}: {where} is missing."
    return f"{origin}: {where} = {problem['input']!r}: {problem['msg']}."


def _fields_of(section: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = LoopSpec
    for part in section:
        annotation = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
