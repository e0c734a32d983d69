"""Runs in MLflow: one parent a pipeline run, one child a trial. Failures of the server become UnavailableError."""

from __future__ import annotations

import importlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from contracts.errors import ConfigError, DriftloopError, UnavailableError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_CAUSE = re.compile(r"Caused by \w+\(.*: (.+?)['\")]+$")
"""What urllib3 says last, after the whole request: `[Errno 111] Connection refused`."""
PARENT_TAG = "mlflow.parentRunId"
TAG = "driftloop."
"""Prefix of the project's own tags."""


class Tracking:
    """A thin door to one MLflow server."""

    def __init__(self, uri: str) -> None:
        from mlflow import MlflowClient

        _leave_out_feast_headers()
        self.uri = uri
        self.client: MlflowClient = MlflowClient(uri, uri)

    def open_run(self, experiment: str, name: str, tags: Mapping[str, str], parent: str | None = None) -> str:
        """Id of the run with these tags: the one that is there (a step tried again), or a new one."""
        wanted = {**tags, **({PARENT_TAG: parent} if parent else {})}
        with self.answering():
            experiment_id = self._experiment(experiment)
            found = self._find(experiment_id, wanted)
            if found is not None:
                return str(found.info.run_id)
            return str(self.client.create_run(experiment_id, tags=dict(wanted), run_name=name).info.run_id)

    def log(self, run_id: str, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Record parameters and metrics."""
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        with self.answering():
            self.client.log_batch(
                run_id,
                metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
                params=[Param(name, str(value)) for name, value in params.items()],
            )

    def log_dataset(self, run_id: str, name: str, digest: str, source: str, context: str) -> None:
        """Record a dataset as the run's input. MLflow keeps 36 characters of a digest; the tags have it whole."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(name=name, digest=digest[:36], source_type="s3", source=source)
        with self.answering():
            self.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", context)])])

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run."""
        with self.answering():
            for name, value in tags.items():
                self.client.set_tag(run_id, name, value)

    def tags(self, run_id: str) -> dict[str, str]:
        """The project's own tags of a run."""
        with self.answering():
            found = self.client.get_run(run_id).data.tags
        return {name: value for name, value in found.items() if name.startswith(TAG)}

    def metrics(self, run_id: str) -> dict[str, float]:
        """The newest value of every metric of a run."""
        with self.answering():
            return dict(self.client.get_run(run_id).data.metrics)

    def end(self, run_id: str, status: str) -> None:
        """Close a run: FINISHED, FAILED or KILLED."""
        with self.answering():
            self.client.set_terminated(run_id, status)

    def end_all(self, run_id: str, status: str) -> None:
        """Close a run and its trials, those of them that are open, and forget a model whose upload was cut off."""
        with self.answering():
            parent = self.client.get_run(run_id)
            experiments = [parent.info.experiment_id]
            for model in self.client.search_logged_models(experiments, f"source_run_id = {_quoted(run_id)}"):
                if str(model.status) == "PENDING":
                    self.client.delete_logged_model(model.model_id)
            for run in (parent, *self.client.search_runs(experiments, f"tags.`{PARENT_TAG}` = {_quoted(run_id)}")):
                if run.info.status == "RUNNING":
                    self.client.set_terminated(run.info.run_id, status)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turn a silent or failing server into UnavailableError, a refusal into ConfigError."""
        import requests
        from mlflow.exceptions import MlflowException, RestException

        try:
            yield
        except RestException as error:
            if error.get_http_status_code() in (401, 403):
                raise ConfigError(f"MLflow at {self.uri} refused: {error.message}.") from error
            raise self._silent(error) from error
        except (MlflowException, requests.RequestException) as error:
            raise self._silent(error) from error
        except DriftloopError:
            raise
        except Exception as error:
            # boto3 builds its exceptions at run time; their module is what they have in common
            if type(error).__module__.split(".")[0] in ("botocore", "boto3", "s3transfer"):
                raise UnavailableError(f"The artifact store of MLflow at {self.uri} failed: {error}.") from error
            raise

    def _silent(self, error: Exception) -> UnavailableError:
        text = str(error).splitlines()[0]
        caused = _CAUSE.search(text)
        reason = caused[1] if caused else text[:300]
        return UnavailableError(
            f"MLflow at {self.uri} does not answer: {reason}", "See `driftloop status`, or check MLFLOW_TRACKING_URI."
        )

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import RestException

        found = self.client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(self.client.create_experiment(name))
        except RestException:
            found = self.client.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    def _find(self, experiment_id: str, tags: Mapping[str, str]) -> Run | None:
        wanted = " and ".join(f"tags.`{name}` = {_quoted(value)}" for name, value in tags.items())
        runs = self.client.search_runs([experiment_id], wanted, max_results=1)
        return runs[0] if runs else None


@contextmanager
def one_try() -> Iterator[None]:
    """Ask a server that may be away only once: for what a process does when it has failed already."""
    hasty = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout may be read by a program
    }
    before = {name: os.environ.get(name) for name in hasty}
    os.environ.update(hasty)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _quoted(value: str) -> str:
    """A value in MLflow's search language, which has both quotes and no escape."""
    return f'"{value}"' if "'" in value else f"'{value}'"


def _leave_out_feast_headers() -> None:
    """Keep MLflow's client from importing Feast, which takes every step six seconds.

    Feast registers a provider of request headers with MLflow, for its own authentication, which is not used here.
    Providers of other packages stay.
    """
    from mlflow.utils import plugins

    found = plugins.get_entry_points
    plugins.get_entry_points = lambda group: [entry for entry in found(group) if entry.name != "feast"]
    try:
        importlib.import_module("mlflow.tracking.request_header.registry")
    finally:
        plugins.get_entry_points = found
