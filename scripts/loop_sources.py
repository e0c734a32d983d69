"""Who knows what of a loop: the Kubernetes API, MLflow, the event log on S3 and the pipelines API, each asked itself.

MLflow and the pipelines API are asked by their REST and not by their clients, whose import takes seconds.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from contracts.errors import UnavailableError
from contracts.eventlog import EventLog
from contracts.events import Drift, EventData, Retrain, Rollout, from_event
from contracts.model import CHAMPION
from contracts.objects import ObjectStore
from contracts.settings import Settings
from scripts.loop_facts import LastDecision, LastWindow, RunUnderWay

if TYPE_CHECKING:
    from components.inference_service import State

Ask = Callable[[Settings, str], Any]
"""Given a loop, what one server knows of it."""
TIMEOUT_SECONDS = 5.0
ROLLOUTS = 50
"""How many of the newest rollout decisions are read to see when the champion was promoted."""
_FINAL = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")


@dataclass(frozen=True)
class Registered:
    """What MLflow knows."""

    has_versions: bool
    champion: str | None


@dataclass(frozen=True)
class Told:
    """What the event log knows."""

    window: LastWindow | None = None
    decision: LastDecision | None = None
    promoted: Mapping[str, datetime] = field(default_factory=dict)
    """Version → when it was promoted last."""


def service(settings: Settings, loop: str) -> State | None:
    """The loop's InferenceService."""
    from components.cluster import custom_objects
    from components.inference_service import InferenceService

    return InferenceService(custom_objects(), settings.namespace, loop).read()


def registered(settings: Settings, loop: str) -> Registered:
    """The loop's registered model."""
    place = f"{settings.mlflow_tracking_uri}/api/2.0/mlflow/registered-models/get?{urlencode({'name': loop})}"
    answer = _get("MLflow", place, _mlflow_login(os.environ), unknown="RESOURCE_DOES_NOT_EXIST")
    model = answer.get("registered_model", {})
    aliases = {one["alias"]: str(one["version"]) for one in model.get("aliases", ())}
    return Registered(bool(model.get("latest_versions")), aliases.get(CHAMPION))


def told(settings: Settings, loop: str) -> Told:
    """The newest decisions of the loop."""
    log = EventLog(ObjectStore(settings), settings.data_bucket, loop)
    newest = log.listed(log.decisions_prefix)[::-1]
    if not newest:
        return Told()
    drifts, rollouts = ([uri for uri in newest if f"-{name}-" in uri] for name in (Drift.name, Rollout.name))
    window = next((from_event(log.decision(uri)) for uri in drifts), None)
    steps = [from_event(log.decision(uri)) for uri in rollouts[:ROLLOUTS]]
    promotions = [one for one in steps if isinstance(one, Rollout) and one.verdict == "promoted"]
    return Told(
        window=_window(window) if isinstance(window, Drift) else None,
        decision=_decision(from_event(log.decision(newest[0]))),
        promoted={one.version: one.decided_at for one in reversed(promotions)},
    )


def run_under_way(settings: Settings, loop: str) -> RunUnderWay | None:
    """The loop's newest run that has not ended."""
    query = urlencode({"page_size": 20, "sort_by": "created_at desc"})
    answer = _get("The pipelines API", f"{settings.kfp_endpoint}/apis/v2beta1/runs?{query}", {})
    own = (
        run
        for run in answer.get("runs") or ()
        if run["display_name"].startswith(f"{loop}-") and run.get("state") not in _FINAL
    )
    run = next(own, None)
    if run is None:
        return None
    tasks = (run.get("run_details") or {}).get("task_details") or []
    stage = next((task["display_name"] for task in reversed(tasks) if task.get("state") == "RUNNING"), "its queue")
    return RunUnderWay(run["display_name"], stage)


SOURCES: dict[str, tuple[tuple[str, ...], Ask]] = {
    "service": (("KUBECONFIG", "KUBERNETES_SERVICE_HOST"), service),
    "registry": (("MLFLOW_TRACKING_URI",), registered),
    "log": (("AWS_ENDPOINT_URL_S3",), told),
    "run": (("KF_PIPELINES_ENDPOINT",), run_under_way),
}
"""Name → the variables of which one says where it is, and what it is asked."""


def _window(data: Drift) -> LastWindow:
    return LastWindow(data.window, data.start, data.end, data.rows, data.verdict)


def _decision(data: EventData) -> LastDecision | None:
    if isinstance(data, Drift):
        return LastDecision(data.name, data.verdict, " ".join(data.reasons), data.end)
    if isinstance(data, Retrain):
        return LastDecision(data.name, data.decision, data.reason, data.at)
    if isinstance(data, Rollout):
        why = " ".join((f"Version {data.version} at {data.step_percent} %.", *data.reasons))
        return LastDecision(data.name, data.verdict, why, data.decided_at)
    return None


def _get(who: str, url: str, headers: dict[str, str], unknown: str = "") -> dict[str, Any]:
    """A JSON answer; empty if a 404 says `unknown`. UnavailableError for every other."""
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - settings admit http addresses only
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        with error:
            if unknown and error.code == 404 and unknown.encode() in error.read():
                return {}
            raise UnavailableError(f"{who} answers with status {error.code} at {url.partition('?')[0]}.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise UnavailableError(f"{who} does not answer at {url.partition('/api')[0]}: {reason}.") from error


def _mlflow_login(env: Mapping[str, str]) -> dict[str, str]:
    """What MLflow's own client sends by these variables."""
    if token := env.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    if user := env.get("MLFLOW_TRACKING_USERNAME"):
        pair = f"{user}:{env.get('MLFLOW_TRACKING_PASSWORD', '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}
