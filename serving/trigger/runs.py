"""Training runs on Kubeflow Pipelines, through its own client: look up, list, create."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import kfp
import kfp_server_api
import urllib3
from kfp.client import ServiceAccountTokenVolumeCredentials

from contracts.errors import ConfigError, UnavailableError

CONNECT_SECONDS, READ_SECONDS = 3, 10
PAGE = 50
"""Newest runs of a loop that are looked at: one in flight is among them."""
State = Literal["in_flight", "succeeded", "failed", "cancelled"]
_FINAL: dict[str, State] = {
    "SUCCEEDED": "succeeded",
    "SKIPPED": "succeeded",
    "FAILED": "failed",
    "CANCELED": "cancelled",
}
"""Every other state is in flight."""


@dataclass(frozen=True)
class Run:
    """A run as the API tells it."""

    id: str
    name: str
    state: State
    holdout_end: date | None
    """Its parameter: the newest day it looks at."""


class Runs:
    """One KFP API. UnavailableError: it did not answer; ConfigError: it said no."""

    def __init__(self, endpoint: str, pipeline: Path, token: Path | None = None) -> None:
        self._endpoint, self._pipeline, self._token = endpoint, pipeline, token
        self._opened: Any = None
        self._experiments: dict[str, str] = {}

    def of_loop(self, loop: str) -> list[Run]:
        """The newest runs whose names begin with the loop's, newest first, whoever made them."""
        with self._translated():
            found = self._list("IS_SUBSTRING", f"{loop}-", "created_at desc")
        return [run for run in found if run.name.startswith(f"{loop}-")]

    def find(self, name: str) -> Run | None:
        """The run of a name; of several the first."""
        with self._translated():
            return next(iter(self._list("EQUALS", name, "created_at")), None)

    def experiment(self, loop: str) -> str:
        """Id of the loop's experiment, which is made if there is none."""
        if loop not in self._experiments:
            with self._translated():
                self._experiments[loop] = self._client().create_experiment(loop).experiment_id
        return self._experiments[loop]

    def create(self, experiment: str, name: str, arguments: Mapping[str, str]) -> str:
        """Ask for a run, once; its id. After an error there may be one all the same."""
        with self._translated():
            asked = self._client().run_pipeline(experiment, name, str(self._pipeline), dict(arguments))
            return str(asked.run_id)

    def _list(self, operation: str, name: str, order: str) -> list[Run]:
        predicate = {"operation": operation, "key": "display_name", "stringValue": name}
        found = self._client().list_runs(page_size=PAGE, sort_by=order, filter=json.dumps({"predicates": [predicate]}))
        return [_read(run) for run in found.runs or ()]

    def _client(self) -> Any:
        if self._opened is None:
            credentials = ServiceAccountTokenVolumeCredentials(str(self._token)) if self._token else None
            client = kfp.Client(host=self._endpoint, credentials=credentials)
            _limit_waiting(client)
            self._opened = client
        return self._opened

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except kfp_server_api.ApiException as error:
            if error.status and 400 <= error.status < 500 and error.status not in (408, 429):
                self._experiments.clear()  # one that was deleted is asked for by its id in vain
                raise ConfigError(f"The pipelines API at {self._endpoint} refused: {_words(error)}.") from error
            raise UnavailableError(f"The pipelines API at {self._endpoint} failed: {_words(error)}.") from error
        except (urllib3.exceptions.HTTPError, TimeoutError) as error:
            raise UnavailableError(
                f"The pipelines API at {self._endpoint} does not answer ({type(error).__name__}).",
                "Check KF_PIPELINES_ENDPOINT.",
            ) from error


def _read(run: Any) -> Run:
    arguments = (run.runtime_config.parameters if run.runtime_config else None) or {}
    try:
        holdout_end = date.fromisoformat(str(arguments.get("holdout_end")))
    except ValueError:
        holdout_end = None
    return Run(run.run_id, run.display_name, _FINAL.get(run.state, "in_flight"), holdout_end)


def _limit_waiting(client: Any) -> None:
    """Have every request end: the client passes no time limit on, so a server that hangs would hold it for good."""
    rest = client._run_api.api_client.rest_client
    request = rest.request

    def limited(*arguments: Any, **options: Any) -> Any:
        return request(*arguments, **{**options, "_request_timeout": (CONNECT_SECONDS, READ_SECONDS)})

    rest.request = limited


def _words(error: kfp_server_api.ApiException) -> str:
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
    return f"{error.status} {body[:300] or error.reason}".strip()
