"""Shorter forms of a list with an entry a row. Whoever reads an event gets the plain list, whichever form was sent.

Writing 20 numbers of a row as decimals costs more than scoring it: their bytes are written ten times as fast.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

MAX_ROWS = 10_000
"""Rows of one payload event."""
_MAX_BASE64 = 4 * ((MAX_ROWS * 4 + 2) // 3)
_BASE64 = {"contentEncoding": "base64"}

Count = Annotated[int, Field(ge=1, le=MAX_ROWS)]
Name = Annotated[str, Field(min_length=1, max_length=1024)]
Value = bool | int | float | Annotated[str, Field(max_length=1024)] | None


class Form(BaseModel):
    """What stands in place of a list, as an object of one field."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def plain(self) -> list[Any]:
        """The list. ValueError if it would have more than MAX_ROWS entries, or is none."""
        raise NotImplementedError


class Float32(Form):
    """Numbers: the base64 of their bytes as little-endian IEEE 754 single precision. NaN is null."""

    float32: Annotated[str, Field(max_length=_MAX_BASE64, json_schema_extra=_BASE64)]

    def plain(self) -> list[float | None]:
        """Each number as the shortest decimal that is the same in single precision."""
        return _numbers(self.float32, "float32", "<f4")


class Float64(Form):
    """The same in double precision."""

    float64: Annotated[str, Field(max_length=2 * _MAX_BASE64, json_schema_extra=_BASE64)]

    def plain(self) -> list[float | None]:
        """Each number."""
        return _numbers(self.float64, "float64", "<f8")


class Runs(Form):
    """A value and how many rows have it, one after another."""

    runs: Annotated[tuple[tuple[Value, Count], ...], Field(max_length=MAX_ROWS)]

    def plain(self) -> list[bool | int | float | str | None]:
        """Each value as often as it says."""
        _bound(count for _, count in self.runs)
        return [value for value, count in self.runs for _ in range(count)]


class Requests(Form):
    """Rows of requests without ids of their own: id of the request, index of the first row in it, how many rows."""

    requests: Annotated[
        tuple[tuple[Name, Annotated[int, Field(ge=0, le=2**53)], Count], ...], Field(max_length=MAX_ROWS)
    ]

    def plain(self) -> list[str]:
        """`<id of the request>/<index of the row>`."""
        _bound(count for *_, count in self.requests)
        return [f"{name}/{row}" for name, first, count in self.requests for row in range(first, first + count)]


def or_packed(plain: Any, *forms: type[Form]) -> BeforeValidator:
    """Let a field of a plain type be sent in one of some forms, too."""
    return BeforeValidator(_expander(forms), json_schema_input_type=Union[plain, *forms])


def _expander(forms: Sequence[type[Form]]) -> Callable[[object], object]:
    def expand(value: object) -> object:
        if not isinstance(value, dict):
            return value
        form = next((form for form in forms if form.model_fields.keys() == value.keys()), forms[0])
        try:
            found = form.model_validate(value)
        except ValidationError as error:
            raise ValueError(_first(error)) from error
        return found.plain()

    return expand


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


def _numbers(text: str, name: str, kind: str) -> list[float | None]:
    import numpy as np  # only who stores payloads needs them: the drift detector's environment has no orjson
    import orjson

    data = binascii.a2b_base64(text, strict_mode=True)
    if len(data) % np.dtype(kind).itemsize:
        raise ValueError(f"{len(data)} bytes are no whole number of {name}")
    decimals = orjson.dumps(np.frombuffer(data, kind), option=orjson.OPT_SERIALIZE_NUMPY)
    numbers: list[float | None] = orjson.loads(decimals)
    return numbers


def _bound(counts: Any) -> None:
    if (rows := sum(counts)) > MAX_ROWS:
        raise ValueError(f"{rows} rows; an event has at most {MAX_ROWS}")
