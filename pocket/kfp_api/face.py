"""What each request is answered with."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping

from pocket.kfp_api import runs
from pocket.kfp_api.api_error import EXISTS, NOT_FOUND, WRONG_STATE, ApiError, Json
from pocket.kfp_api.documents import Documents
from pocket.kfp_api.listing import Listing, Predicate, timestamp
from pocket.kfp_api.wish import display_name, run_wish
from pocket.kfp_api.worker import Worker

_PLACE = re.compile(r"/(?P<collection>runs|experiments)(?:/(?P<key>[^/:]+)(?::(?P<verb>\w+))?)?")
DEFAULT = "Default"
"""The experiment of runs that name none, as on Kubeflow."""


class Face:
    """Requests about runs and experiments."""

    def __init__(self, documents: Documents, worker: Worker) -> None:
        self._documents, self._worker = documents, worker

    def answer(self, method: str, place: str, query: Mapping[str, str], body: Json) -> Json:
        """The body of an answer. ApiError if there is none to give."""
        if (method, place) == ("GET", "/healthz"):
            return {"multi_user": False}
        found = _PLACE.fullmatch(place)
        if not found:
            raise ApiError(NOT_FOUND, f"{place[:200]} is not served here: this API has runs and experiments only.")
        collection, key = found["collection"], found["key"]
        if not key:
            return self._on_collection(method, collection, query, body)
        return self._on_one(method if not found["verb"] else f":{found['verb']}", collection, key)

    def _on_collection(self, method: str, collection: str, query: Mapping[str, str], body: Json) -> Json:
        if method == "POST":
            return self._create_run(body) if collection == "runs" else self._create_experiment(body)
        _require(method == "GET", method, collection)
        items, total, token = self._documents.page(Listing.read(collection, query))
        return {collection: items, "total_size": total, "next_page_token": token}

    def _on_one(self, verb: str, collection: str, key: str) -> Json:
        actions: dict[str, Callable[[], Json]] = {"GET": lambda: self._documents.get(collection, key)}
        if collection == "runs":
            actions[":terminate"] = lambda: self._terminate(key)
            actions["DELETE"] = lambda: self._delete(key)
            actions[":archive"] = lambda: self._store(key, "ARCHIVED")
            actions[":unarchive"] = lambda: self._store(key, "AVAILABLE")
        _require(verb in actions, verb, collection)
        return actions[verb]()

    def _create_run(self, body: Json) -> Json:
        wish, now = run_wish(body), runs.utc_now()
        experiment = body.get("experiment_id") or self._default_experiment()
        self._documents.get("experiments", experiment)
        run = runs.new_run({**wish, "experiment_id": experiment}, now)
        self._documents.add("runs", run["run_id"], run)
        self._documents.change("experiments", experiment, lambda one: one.update(last_run_created_at=timestamp(now)))
        self._worker.wake()
        return run

    def _create_experiment(self, body: Json) -> Json:
        name = display_name(body)
        if self._named(name):
            raise ApiError(EXISTS, f"An experiment with the name {name[:80]} exists.")
        experiment = {
            "experiment_id": str(uuid.uuid4()),
            "display_name": name,
            "description": body.get("description") or "",
            "created_at": timestamp(runs.utc_now()),
            "storage_state": "AVAILABLE",
        }
        self._documents.add("experiments", experiment["experiment_id"], experiment)
        return experiment

    def _default_experiment(self) -> str:
        found = self._named(DEFAULT) or [self._create_experiment({"display_name": DEFAULT})]
        return str(found[0]["experiment_id"])

    def _named(self, name: str) -> list[Json]:
        wanted = Listing("experiments", (Predicate("display_name", "EQUALS", (name,)),))
        return self._documents.page(wanted)[0]

    def _terminate(self, key: str) -> Json:
        self._documents.change("runs", key, lambda run: runs.ask_to_end(run, runs.utc_now()))
        self._worker.cut(key)
        return {}

    def _store(self, key: str, storage_state: str) -> Json:
        self._documents.change("runs", key, lambda run: run.update(storage_state=storage_state))
        return {}

    def _delete(self, key: str) -> Json:
        if (state := self._documents.get("runs", key)["state"]) not in runs.FINAL:
            raise ApiError(WRONG_STATE, f"Run {key} is {state}: terminate it first.")
        self._documents.remove("runs", key)
        return {}


def _require(served: bool, verb: str, collection: str) -> None:
    if not served:
        raise ApiError(NOT_FOUND, f"{verb} of {collection} is not served here; docs/pipelines-api.md says what is.")
