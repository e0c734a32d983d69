"""A smoke test: real rows to the predictor of an environment, whose answers must be those of the registered model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import urllib3
from pydantic import BaseModel, ConfigDict

from components.arms import Floats
from components.bundle import REFERENCE
from components.canary import Model
from components.cluster import TIMEOUT_SECONDS
from components.inference_service import InferenceService, Served, State
from components.registry import Version
from components.select import SCORE
from contracts.errors import IntegrityError, RejectedError, UnavailableError
from contracts.model import Feature
from contracts.objects import ObjectStore

ROWS = 8
"""Asked in one request: from the lowest to the highest score of the reference."""
TOLERANCE = 1e-6
"""Between the predictor's probability and the registered model's, which are float32 both."""


class Smoke(BaseModel):
    """One that passed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    environment: str
    revision: str
    """That has all the traffic."""
    rows: int
    difference: float
    """The largest between an answer and the model's own."""
    at: datetime


def smoke(
    environment: str,
    version: Version,
    service: InferenceService,
    store: ObjectStore,
    gateway: str | None,
    now: datetime,
) -> Smoke:
    """Ask an environment's predictor about rows that the version was trained on.

    RejectedError if it does not serve the version whole or answers otherwise, IntegrityError if the version's files are
    not those that were registered, UnavailableError if nobody answers.
    """
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = Model.fetch(version, store, folder)
        rows = _examples(pq.read_table(folder / REFERENCE))
    state = serving(environment, version, service)
    answer = _ask(_address(state, gateway, service.what), service.name, _request(rows, model.card.features))
    difference = _difference(answer, version.number, model.scores(rows), environment)
    return Smoke(environment=environment, revision=state.rolled_out, rows=rows.num_rows, difference=difference, at=now)


def serving(environment: str, version: Version, service: InferenceService) -> State:
    """The state of an InferenceService that serves a version and no other. RejectedError if it does not."""
    state = service.read()
    wanted = Served.of(version)
    if state is None or state.served.number != wanted.number or not state.is_whole:
        found = "nothing"
        if state is not None:
            share = 100 if state.percent is None else state.percent
            found = f"version {state.served.number} with {share} % of the traffic"
        raise RejectedError(
            f"Version {version.number} does not serve whole in {environment}: what is there: {found}.",
            f"Roll it out there first, or wait until its rollout has ended. It is {service.what}.",
        )
    if state.served != wanted:
        raise IntegrityError(
            f"{service.what} says it serves version {wanted.number}, but from other files than were registered.",
            f"It has {state.served.model_uri}, the registry {wanted.model_uri}. Roll the version out again.",
        )
    return state


def _examples(reference: pa.Table) -> pa.Table:
    """Evenly spread over the scores, the ends included."""
    order = pc.sort_indices(reference[SCORE])
    places = np.unique(np.linspace(0, len(order) - 1, ROWS).astype(np.int64))
    return reference.take(order.take(pa.array(places)))


def _request(rows: pa.Table, features: tuple[Feature, ...]) -> dict[str, Any]:
    """V2: one input a feature, text as BYTES, numbers as FP64; null is missing."""
    return {"inputs": [_tensor(rows[feature.name].to_pylist(), feature) for feature in features]}


def _tensor(values: list[Any], feature: Feature) -> dict[str, Any]:
    if feature.categories is not None:
        texts = [None if value is None else str(value) for value in values]
        return {"name": feature.name, "shape": [len(texts)], "datatype": "BYTES", "data": texts}
    numbers = [None if value is None or np.isnan(value) else float(value) for value in values]
    return {"name": feature.name, "shape": [len(numbers)], "datatype": "FP64", "data": numbers}


def _address(state: State, gateway: str | None, what: str) -> tuple[str, dict[str, str]]:
    """Base URL and headers."""
    told = str((state.body.get("status") or {}).get("url") or "")
    if not told:
        raise UnavailableError(f"The status of {what} tells no address yet.", "Wait until it is ready.")
    if gateway is None:
        return told.rstrip("/"), {}
    return gateway.rstrip("/"), {"Host": urlsplit(told).netloc}


def _ask(address: tuple[str, Mapping[str, str]], model: str, request: dict[str, Any]) -> dict[str, Any]:
    url = f"{address[0]}/v2/models/{model}/infer"
    headers = {**address[1], "Content-Type": "application/json"}
    timeout = urllib3.Timeout(connect=TIMEOUT_SECONDS[0], read=TIMEOUT_SECONDS[1])
    try:
        with urllib3.PoolManager(timeout=timeout, retries=2) as pool:
            answer = pool.request("POST", url, body=json.dumps(request), headers=headers)
            status, body = answer.status, answer.data
    except urllib3.exceptions.HTTPError as error:
        raise UnavailableError(
            f"The predictor at {url} does not answer ({type(error).__name__}).",
            "If its address is not reached from here, set `gateway` in the environment's file.",
        ) from error
    if status != 200:
        words = body[:300].decode(errors="replace")
        kind = UnavailableError if status >= 500 else RejectedError
        raise kind(f"The predictor at {url} answered {status}: {words}")
    try:
        return dict(json.loads(body))
    except (ValueError, TypeError) as error:
        raise RejectedError(f"The predictor at {url} did not answer in the V2 protocol: {body[:100]!r}.") from error


def _difference(answer: dict[str, Any], number: str, expected: Floats, environment: str) -> float:
    answered = str(answer.get("model_version"))
    if answered != number:
        raise RejectedError(f"In {environment} version {answered} answered, not {number}.", "Wait, and try again.")
    try:
        (tensor,) = [output for output in answer["outputs"] if output["name"] == "probabilities"]
        found = np.asarray(tensor["data"], dtype=np.float64).reshape(len(expected), -1)[:, -1]
    except (KeyError, TypeError, ValueError) as error:
        raise RejectedError(f"The answer in {environment} has no probability of each row: {error}.") from error
    difference = float(np.max(np.abs(found - expected)))
    if not difference <= TOLERANCE:
        raise RejectedError(
            f"Version {number} answers otherwise in {environment} than the registered model: "
            f"up to {difference:.2g} apart, {TOLERANCE:g} is allowed.",
            "The predictor's image may have another version of the model's library.",
        )
    return difference
