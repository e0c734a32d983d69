"""What every record of a segment has in common: who answered, and the names of the columns."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import ConfigError
from contracts.events import Payload
from contracts.model import Feature
from serving.predictor.dataplane import DataPlane


class Schema(BaseModel):
    """Written at the start of each segment, so that a process of another model can send it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1, 2, 3] = 3
    """Of the records; a segment of another is not understood. What is of format 2 is of format 3, too."""
    loop: str
    model_version: str
    revision: str
    features: tuple[Feature, ...]
    labels: tuple[str, ...]
    """Names of what was answered: a regression has one, its value."""

    @classmethod
    def of(cls, plane: DataPlane, revision: str) -> Schema:
        """The schema of a model. ConfigError if payload events cannot carry its rows."""
        card = plane.card
        if card.task == "regression":
            raise _refusal("its values are no probabilities")
        schema = cls(
            loop=card.loop,
            model_version=plane.version,
            revision=revision,
            features=card.features,
            labels=card.outputs,
        )
        schema._try()
        return schema

    @classmethod
    def read(cls, record: bytes) -> Schema | None:
        """The schema in a record; None if there is none that is understood."""
        try:
            return cls.model_validate_json(record)
        except ValidationError:
            return None

    def written(self) -> bytes:
        """As a record."""
        return self.model_dump_json().encode()

    def _try(self) -> None:
        """Make an event of one row, which then holds for all rows."""
        try:
            Payload.model_validate(
                {
                    "loop": self.loop,
                    "model_version": self.model_version,
                    "revision": self.revision,
                    "row_ids": ["1"],
                    "timestamps": ["2013-01-01T00:00:00Z"],
                    "seconds": [0],
                    "errors": ["none"],
                    "columns": {feature.name: [None] for feature in self.features},
                    "scores": {label: [None] for label in self.labels},
                }
            )
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise _refusal(f"{where}: {problem['msg']}") from error


def _refusal(why: str) -> ConfigError:
    return ConfigError(
        f"Payload events cannot carry this model's rows: {why}.",
        "Give --payload-share 0 to serve it without payload logging.",
    )
