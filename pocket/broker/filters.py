"""What a Trigger lets through: exact, prefix and suffix on attributes, and all, any, not of such filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Pattern = Annotated[dict[str, Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class Filter(BaseModel):
    """One filter of the CloudEvents Subscriptions API: exactly one of its dialects."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    exact: Pattern | None = None
    prefix: Pattern | None = None
    suffix: Pattern | None = None
    all: Annotated[tuple[Filter, ...], Field(min_length=1)] | None = None
    any: Annotated[tuple[Filter, ...], Field(min_length=1)] | None = None
    negated: Filter | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _has_one_dialect(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a filter has exactly one of exact, prefix, suffix, all, any, not")
        return self

    def passes(self, attributes: Mapping[str, str]) -> bool:
        """Whether an event with these attributes, `specversion` and `datacontenttype` among them, passes."""
        if self.all is not None:
            return all(part.passes(attributes) for part in self.all)
        if self.any is not None:
            return any(part.passes(attributes) for part in self.any)
        if self.negated is not None:
            return not self.negated.passes(attributes)
        return (
            all(attributes.get(name) == value for name, value in (self.exact or {}).items())
            and all(attributes.get(name, "").startswith(value) for name, value in (self.prefix or {}).items())
            and all(attributes.get(name, "").endswith(value) for name, value in (self.suffix or {}).items())
        )
