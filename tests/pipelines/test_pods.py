"""What the compiled pipeline says to a cluster: variables, room, time, another try, and its cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from pipelines.compile import COMPILED, SCHEDULED
from pipelines.pods import KEYS, PASSWORDS, PODS, SETTINGS
from pocket import manifests
from pocket.checkout import ROOT

Json = dict[str, Any]
CACHED = {"ingest", "validate", "features"}
PARAMETERS = {"spec": "{}", "start": "1", "end": "2", "holdout_end": "3", "code_version": "a", "data_version": "x"}


@pytest.fixture(scope="module")
def compiled() -> Json:
    """The pipeline."""
    return dict(next(yaml.safe_load_all(COMPILED.read_text())))


@pytest.fixture(scope="module")
def pods() -> Json:
    """Settings of the steps' pods."""
    *_, platform = yaml.safe_load_all(COMPILED.read_text())
    found = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): pod for name, pod in found.items()}


def test_every_pod_has_settings_and_keys(pods: Json) -> None:
    """Those of manifests/base by their own names; what base does not set is optional, and so are passwords."""
    base = yaml.safe_load((ROOT / "manifests/base/settings.yaml").read_text())
    assert (base["metadata"]["name"], SETTINGS, KEYS) == (SETTINGS, manifests.SETTINGS, manifests.KEYS)
    for pod in pods.values():
        required, optional = pod["configMapAsEnv"]
        names = [entry["configMapKey"] for entry in required["keyToEnv"]]
        assert set(names) <= base["data"].keys()
        assert {"AWS_ENDPOINT_URL_S3", "MLFLOW_TRACKING_URI", "K_SINK", "DRIFTLOOP_NAMESPACE"} <= set(names)
        assert (required["configMapName"], required["optional"]) == (SETTINGS, False)
        assert optional["optional"]
        keys, *passwords = pod["secretAsEnv"]
        assert [entry["secretKey"] for entry in keys["keyToEnv"]] == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        assert (keys["secretName"], keys["optional"]) == (KEYS, False)
        assert {one["secretName"]: one["keyToEnv"][0]["envVar"] for one in passwords} == PASSWORDS
        assert all(one["optional"] for one in passwords)
        for entry in (*required["keyToEnv"], *optional["keyToEnv"]):
            assert entry["envVar"] == entry["configMapKey"]


def test_every_pod_is_bounded(compiled: Json, pods: Json) -> None:
    """Requests, limits, a deadline; another try after a while, each while longer."""
    for name, executor in compiled["deploymentSpec"]["executors"].items():
        step = name.removeprefix("exec-")
        room = executor["container"]["resources"]
        assert 0 < room["cpuRequest"] <= room["cpuLimit"]
        assert 0 < room["memoryRequest"] <= room["memoryLimit"]
        assert float(pods[step]["activeDeadlineSeconds"]) == PODS[step].limit.total_seconds()
    for name, task in _tasks(compiled):
        assert task["retryPolicy"]["maxRetryCount"] == 2
        assert task["retryPolicy"]["backoffFactor"] == 2
        assert task["retryPolicy"]["backoffDuration"] == ("10s" if name == "rollout" else "30s")


def test_no_pod_runs_as_root(pods: Json) -> None:
    """The kubelet sees to it, by the number of the image's user."""
    assert all(pod["securityContext"] == {"runAsNonRoot": True} for pod in pods.values())


def test_only_what_has_no_part_in_the_world_is_cached(compiled: Json) -> None:
    """What writes to MLflow, or reads what others write there, runs each time; nothing cached comes after it."""
    tasks = dict(_tasks(compiled))
    assert {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")} == CACHED
    for name in CACHED:
        assert set(tasks[name].get("dependentTasks", [])) <= CACHED


@pytest.mark.parametrize("name", sorted(CACHED))
def test_the_cache_knows_the_code(compiled: Json, name: str) -> None:
    """The same code and data hit; other code, other data, other days or another loop miss, in every cached step."""
    key = cache_key(compiled, name, PARAMETERS)
    assert cache_key(compiled, name, dict(PARAMETERS)) == key
    others = [{**PARAMETERS, changed: "other"} for changed in ("code_version", "data_version", "spec", "holdout_end")]
    keys = [cache_key(compiled, name, parameters) for parameters in others]
    assert len({key, *keys}) == 1 + len(others)


def test_a_run_of_the_clock_takes_nothing_from_another() -> None:
    """Its data's version is the time at which its days were chosen, which no cache gives."""
    scheduled = next(yaml.safe_load_all(SCHEDULED.read_text()))
    tasks = scheduled["root"]["dag"]["tasks"]
    source = tasks["training"]["inputs"]["parameters"]["data_version"]["taskOutputParameter"]
    assert source == {"outputParameterKey": "chosen_at", "producerTask": "days"}
    assert not tasks["days"]["cachingOptions"].get("enableCache")


def cache_key(compiled: Json, name: str, parameters: dict[str, str]) -> str:
    """As the backend makes it: image, command, parameters and outputs; of artifacts the logical names only.

    That is the weakest that a backend may know of an artifact: whatever it knows beside it tells more apart.
    """
    task = dict(_tasks(compiled))[name]
    component = compiled["components"][task["componentRef"]["name"]]
    container = compiled["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    values = {given: _value(source, parameters) for given, source in task["inputs"].get("parameters", {}).items()}
    whole = [container["image"], container["command"], values, sorted(task["inputs"].get("artifacts", {}))]
    return hashlib.sha256(json.dumps([*whole, component["outputDefinitions"]], sort_keys=True).encode()).hexdigest()


def _value(source: Json, parameters: dict[str, str]) -> str:
    if "componentInputParameter" in source:
        return parameters[source["componentInputParameter"]]
    text = str(source["runtimeValue"]["constant"])
    for name, value in parameters.items():
        text = text.replace(f"{{{{$.inputs.parameters['pipelinechannel--{name}']}}}}", value)
    assert "{{" not in text
    return text


def _tasks(compiled: Json) -> Iterator[tuple[str, Json]]:
    groups = [compiled["root"], *compiled["components"].values()]
    for name, task in [each for group in groups for each in group.get("dag", {}).get("tasks", {}).items()]:
        if "executorLabel" in compiled["components"][task["componentRef"]["name"]]:
            yield name, task
