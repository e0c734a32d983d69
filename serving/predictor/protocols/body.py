"""JSON bodies."""

from __future__ import annotations

from typing import Any

import orjson

from serving.errors import InvalidRequestError, shown

JSON = "application/json"


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. InvalidRequestError if it is not JSON (NaN and Infinity are not) or not an object."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidRequestError(f"The body is {shown(value)}; expected a JSON object.")
    return value
