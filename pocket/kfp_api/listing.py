"""Which documents a list request asks for: its filter, its order and its page."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pocket.kfp_api.api_error import INVALID, ApiError

USUAL_SIZE, LARGEST_SIZE = 20, 200
KEYS = {
    "runs": (
        *("run_id", "display_name", "experiment_id", "state", "storage_state"),
        *("created_at", "scheduled_at", "finished_at"),
    ),
    "experiments": ("experiment_id", "display_name", "storage_state", "created_at", "last_run_created_at"),
}
_NUMBERS = {1: "EQUALS", 2: "NOT_EQUALS", 3: "GREATER_THAN", 5: "GREATER_THAN_EQUALS", 6: "LESS_THAN"}
_NUMBERS |= {7: "LESS_THAN_EQUALS", 8: "IN", 9: "IS_SUBSTRING"}
"""As the enumeration of Kubeflow's filter.proto has them; kfp.Client sends numbers."""
OPERATIONS = frozenset(_NUMBERS.values())


@dataclass(frozen=True)
class Predicate:
    """A condition on one key."""

    key: str
    operation: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """A page of a collection."""

    collection: str
    predicates: tuple[Predicate, ...] = ()
    sort_key: str = "created_at"
    descending: bool = False
    size: int = USUAL_SIZE
    after: tuple[str, int] | None = None
    """Value of the sort key and number of the last document of the page before."""

    @classmethod
    def read(cls, collection: str, query: Mapping[str, str]) -> Listing:
        """From a request's query. ApiError if it cannot be understood. A page token brings its own filter and order."""
        listing = cls(collection, size=_size(query.get("page_size", "")))
        if token := query.get("page_token"):
            return listing._continued(token)
        predicates = [*_predicates(collection, query.get("filter", ""))]
        if experiment := query.get("experiment_id"):
            predicates.append(Predicate("experiment_id", "EQUALS", (experiment,)))
        sort_key, descending = _order(collection, query.get("sort_by", ""))
        return replace(listing, predicates=tuple(predicates), sort_key=sort_key, descending=descending)

    def token(self, value: str, number: int) -> str:
        """The page token for what comes after a document."""
        predicates = [(one.key, one.operation, one.values) for one in self.predicates]
        place = [self.collection, predicates, self.sort_key, self.descending, value, number]
        return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()

    def _continued(self, token: str) -> Listing:
        try:
            collection, found, sort_key, descending, value, number = json.loads(base64.urlsafe_b64decode(token))
            predicates = tuple(_checked(self.collection, key, name, tuple(values)) for key, name, values in found)
            after = (str(value), int(number))
        except (binascii.Error, ValueError, TypeError) as error:
            raise ApiError(INVALID, "page_token is none that this server gave.") from error
        if collection != self.collection:
            raise ApiError(INVALID, f"page_token is one of a list of {collection}.")
        key = _known(self.collection, sort_key)
        return replace(self, predicates=predicates, sort_key=key, descending=bool(descending), after=after)


def _size(text: str) -> int:
    if not text or text == "0":
        return USUAL_SIZE
    if not (text.isascii() and text.isdigit()):
        raise ApiError(INVALID, f"page_size is {text[:80]!r}, not a number.")
    return min(int(text), LARGEST_SIZE)


def _order(collection: str, text: str) -> tuple[str, bool]:
    key, *direction = text.lower().split() or ["created_at"]
    if direction not in ([], ["asc"], ["desc"]):
        raise ApiError(INVALID, f"sort_by is {text[:80]!r}; write it as 'field', 'field asc' or 'field desc'.")
    return _known(collection, key), direction == ["desc"]


def _predicates(collection: str, text: str) -> list[Predicate]:
    try:
        found = json.loads(text)["predicates"] if text else []
        return [_predicate(collection, one) for one in found]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ApiError(INVALID, f"filter is no Filter message in JSON: {text[:200]!r}.") from error


def _predicate(collection: str, one: Mapping[str, Any]) -> Predicate:
    operation = one.get("operation", one.get("op"))
    name = _NUMBERS.get(operation, "") if isinstance(operation, int) else str(operation)
    plain = {field.replace("_", "").lower(): value for field, value in one.items()}
    values = (plain.get("stringvalues") or {}).get("values")
    if values is None:
        values = [plain[field] for field in ("stringvalue", "timestampvalue") if field in plain]
    if len(values) != 1 and name != "IN":
        raise ApiError(INVALID, f"filter: {one.get('key')!r} needs one string_value or timestamp_value.")
    return _checked(collection, one["key"], name, tuple(values))


def _checked(collection: str, key: str, operation: str, values: tuple[Any, ...]) -> Predicate:
    if operation not in OPERATIONS:
        raise ApiError(INVALID, f"filter: unknown operation {operation[:80]!r}.")
    if not all(isinstance(value, str) for value in values):
        raise ApiError(INVALID, f"filter: {key!r} is compared with strings only.")
    known = _known(collection, key)
    return Predicate(known, operation, tuple(map(_time, values)) if known.endswith("_at") else values)


def _known(collection: str, key: str) -> str:
    full = {"id": f"{collection[:-1]}_id", "name": "display_name"}.get(key, key)
    if full not in KEYS[collection]:
        raise ApiError(INVALID, f"No field {str(key)[:80]!r} to list {collection} by; there are {KEYS[collection]}.")
    return full


def _time(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(INVALID, f"{text[:80]!r} is not a time as of RFC 3339.") from error
    return timestamp(found if found.tzinfo else found.replace(tzinfo=UTC))


def timestamp(moment: datetime) -> str:
    """A time as every document has it, so that times compare as strings."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
