"""What a model's folder on S3 says to the detector: its reference, its specification, its classes."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from contracts.errors import DataError
from contracts.loop import DriftSpec
from contracts.model import CARD, MAX_CARD_BYTES, ModelCard
from contracts.objects import ObjectStore
from serving.drift.parquet import fetch, table
from serving.drift.reference import SCORE, Reference, prepare

DRIFT = "drift.json"
"""Name of the file that holds the DriftSpec and, under `importance`, the features' shares of the importance."""
KEPT = 4
"""Prepared references in memory: those of the versions that serve, and a few before them."""


@dataclass(frozen=True)
class Baseline:
    """A model, as far as a window is compared with it."""

    reference: Reference
    labels: tuple[str, ...]
    """Class names; the score is the probability of the last."""


class Baselines:
    """Baselines by the URI of their reference, the last few kept: what is registered never changes."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._kept: OrderedDict[str, Baseline] = OrderedDict()

    def of(self, reference_uri: str) -> Baseline:
        """The baseline. DataError if a file of it is absent, damaged or of the wrong form."""
        baseline = self._kept.pop(reference_uri, None) or read(self._store, reference_uri)
        self._kept[reference_uri] = baseline
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return baseline


def read(store: ObjectStore, reference_uri: str) -> Baseline:
    """Fetch, verify and prepare a baseline: the files beside the reference are those of its model."""
    folder, _, name = reference_uri.rpartition("/")
    card = _card(fetch(store, f"{folder}/{CARD}", MAX_CARD_BYTES), f"{folder}/{CARD}")
    described = _verified(fetch(store, f"{folder}/{DRIFT}", MAX_CARD_BYTES), card, DRIFT)
    spec, importance = _spec(described, f"{folder}/{DRIFT}")
    body = _verified(fetch(store, reference_uri), card, name)
    rows = table(body, reference_uri, [*(feature.name for feature in card.features), SCORE])
    return Baseline(prepare(rows, card.features, spec, importance), card.labels)


def _card(body: bytes, uri: str) -> ModelCard:
    try:
        return ModelCard.model_validate_json(body)
    except ValidationError as error:
        raise DataError(f"{uri} is not a model card: {error.errors()[0]['msg']}.") from error


def _verified(body: bytes, card: ModelCard, name: str) -> bytes:
    if name not in card.files:
        raise DataError(f"The model card gives no digest for {name}.", "Register the version again.")
    found = hashlib.sha256(body).hexdigest()
    if found != card.files[name]:
        raise DataError(f"{name} has sha256 {found}, its card says {card.files[name]}.", "Register the version again.")
    return body


def _spec(body: bytes, uri: str) -> tuple[DriftSpec, Mapping[str, float] | None]:
    try:
        fields: dict[str, Any] = dict(json.loads(body))
        importance = fields.pop("importance", None)
        if importance is not None:
            importance = {name: float(share) for name, share in dict(importance).items()}
        return DriftSpec.model_validate(fields), importance
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise DataError(f"{uri}: {where}: {problem['msg']}.") from error
    except (ValueError, TypeError) as error:
        raise DataError(f"{uri} is not a drift specification: {error}.") from error
