"""Knative Services: containers as processes with the environment, probes and routes that were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from controllers_parts import Home, Json, condition, fetch, isvc, knative, runtime, stand_in, wait_until, word

from pocket.controllers import container
from pocket.controllers.conditions import RefusedError


def test_a_service_answers_at_its_address(home: Home, tmp_path: Path) -> None:
    """The status has what Knative's has; the process has Knative's variables."""
    home.apply(knative("plain", stand_in(tmp_path), args=["one", "$(K_SERVICE)", "$$(PORT)"]))
    status = home.await_ready("Service", "plain")
    assert status["address"]["url"] == status["url"]
    assert status["latestCreatedRevisionName"] == status["latestReadyRevisionName"] == "plain-00001"
    assert status["traffic"] == [{"revisionName": "plain-00001", "percent": 100, "latestRevision": True}]
    code, body, revision = fetch(status["url"])
    assert (code, body["argv"], revision) == (200, ["one", "plain", "$(PORT)"], "plain-00001")
    known = ("K_SERVICE", "K_CONFIGURATION", "K_REVISION", "DRIFTLOOP_HOST")
    assert [body["env"][name] for name in known] == ["plain", "plain", "plain-00001", "127.0.0.1"]
    assert body["env"]["PORT"].isdigit()
    home.delete("Service", "plain")


def test_routes_by_revision(home: Home, tmp_path: Path) -> None:
    """spec.traffic may name revisions and the latest; one that does not exist changes nothing and is told."""
    program = stand_in(tmp_path)
    home.apply(knative("named", program))
    home.await_ready("Service", "named")
    second = knative("named", program, args=["two"])
    second["spec"]["traffic"] = [
        {"revisionName": "named-00001", "percent": 100},
        {"latestRevision": True, "percent": 0, "tag": "next"},
    ]
    home.apply(second)
    status = home.await_ready("Service", "named")
    assert status["latestReadyRevisionName"] == "named-00002"
    assert {fetch(status["url"])[2] for _ in range(10)} == {"named-00001"}
    second["spec"]["traffic"] = [{"revisionName": "named-00009", "percent": 100}]
    home.apply(second)
    status = home.await_status("Service", "named", lambda status: word(status, "Ready") == "False")
    assert "named-00009" in condition(status, "RoutesReady")["message"]
    assert {fetch(status["url"])[2] for _ in range(10)} == {"named-00001"}
    home.delete("Service", "named")


def test_the_environment_of_a_container(home: Home, tmp_path: Path) -> None:
    """ConfigMaps, Secrets, fields, references between variables; one that is absent is waited for."""
    entries = [
        {"name": "HOST", "value": "somewhere"},
        {"name": "PLACE", "value": "http://$(HOST):$(PORT)/$(UNKNOWN)"},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "hidden", "key": "word"}}},
        {"name": "MAYBE", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "none", "optional": True}}},
        {"name": "SPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    ]
    sources = [{"prefix": "APP_", "configMapRef": {"name": "given"}}, {"secretRef": {"name": "no", "optional": True}}]
    home.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hidden"}, "stringData": {"word": "sesame"}})
    home.apply(knative("fed", stand_in(tmp_path), env=entries, envFrom=sources))
    status = home.await_status("Service", "fed", lambda status: word(status, "Ready") == "False")
    assert "ConfigMap given is not there" in condition(status, "ConfigurationsReady")["message"]
    home.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "given"}, "data": {"COLOUR": "blue"}})
    env = fetch(home.await_ready("Service", "fed")["url"])[1]["env"]
    assert env["PLACE"] == f"http://somewhere:{env['PORT']}/$(UNKNOWN)"
    assert (env["PASSWORD"], env["SPACE"], env["APP_COLOUR"]) == ("sesame", "default", "blue")
    assert "MAYBE" not in env
    home.delete("Service", "fed")


def test_a_process_that_is_no_longer_alive_is_started_again(home: Home, tmp_path: Path) -> None:
    """A liveness probe that fails as often as allowed ends the process; the next one answers."""
    dead = tmp_path / "dead"
    probe = {"httpGet": {"path": "/live"}, "periodSeconds": 1, "failureThreshold": 1}
    env = [{"name": "DEAD", "value": str(dead)}]
    home.apply(knative("frail", stand_in(tmp_path), env=env, livenessProbe=probe))
    home.await_ready("Service", "frail")
    token = home.record("revision.default.frail-00001").token
    dead.touch()
    wait_until(lambda: home.record("revision.default.frail-00001").token != token)
    dead.unlink()
    home.await_ready("Service", "frail")
    home.delete("Service", "frail")


def test_what_is_late_is_given_up(home: Home, tmp_path: Path) -> None:
    """A revision that is not ready by its progress deadline has failed, and its process is ended."""
    late = knative("late", stand_in(tmp_path), env=[{"name": "UNREADY", "value": str(tmp_path)}])
    late["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = {"httpGet": {"path": "/ready"}}
    late["spec"]["template"]["metadata"] = {"annotations": {"serving.knative.dev/progress-deadline": "1s"}}
    home.apply(late)
    status = home.await_status("Service", "late", lambda status: word(status, "Ready") == "False")
    assert "not ready in time" in condition(status, "ConfigurationsReady")["message"]
    wait_until(lambda: not home.runs("late-00001"))
    home.delete("Service", "late")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"image": "ghcr.io/example/other:1"}, "'ghcr.io/example/other:1' cannot run here"),
        ({"command": []}, "has no command"),
        ({"command": ["/no/such/program"]}, "/no/such/program cannot be run"),
        ({"readinessProbe": {"exec": {"command": ["true"]}}}, "exec is not supported"),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]}, "spec.nodeName"),
    ],
    ids=["image", "command", "program", "probe", "field"],
)
def test_what_cannot_run_here_is_told(home: Home, tmp_path: Path, change: Json, told: str) -> None:
    """The condition says what is not to be had."""
    home.apply(knative("refused", stand_in(tmp_path), **change))
    status = home.await_status("Service", "refused", lambda status: word(status, "Ready") == "False")
    assert told in condition(status, "Ready")["message"]
    home.delete("Service", "refused")


@pytest.mark.parametrize(
    ("change", "reason", "told"),
    [
        ({"runtime": "none"}, "RuntimeNotRecognized", "no ServingRuntime none"),
        ({"runtime": None, "modelFormat": {"name": "odd"}}, "NoSupportingRuntime", "offers itself for odd"),
        ({"annotations": {"serving.kserve.io/deploymentMode": "Standard"}}, "InvalidPredictorSpec", "Standard"),
    ],
    ids=["runtime", "format", "mode"],
)
def test_an_inference_service_that_cannot_be_served_is_told(home: Home, change: Json, reason: str, told: str) -> None:
    """modelStatus says InvalidSpec with KServe's reason; no revision is made."""
    annotations = change.pop("annotations", None)
    wanted = isvc(f"invalid-{reason.lower()}", "a", annotations=annotations)
    model = {**wanted["spec"]["predictor"]["model"], **change}
    wanted["spec"]["predictor"]["model"] = {key: part for key, part in model.items() if part is not None}
    name = wanted["metadata"]["name"]
    home.apply(wanted)
    status = home.await_status("InferenceService", name, lambda status: word(status, "Ready") == "False")
    assert told in condition(status, "PredictorReady")["message"]
    assert status["modelStatus"]["transitionStatus"] == "InvalidSpec"
    assert status["modelStatus"]["lastFailureInfo"]["reason"] == reason
    assert "latestCreatedRevision" not in status["components"]["predictor"]
    home.delete("InferenceService", name)


def test_a_runtime_is_found_by_the_format(home: Home, tmp_path: Path) -> None:
    """Without a name, the ServingRuntime that offers itself; names and paths are filled in."""
    home.apply(runtime(stand_in(tmp_path), "found"))
    wanted = isvc("chosen", "a")
    del wanted["spec"]["predictor"]["model"]["runtime"]
    wanted["spec"]["predictor"]["model"]["args"] = ["--more"]
    home.apply(wanted)
    argv = fetch(home.await_ready("InferenceService", "chosen")["url"])[1]["argv"]
    models = home.path / "revision.default.chosen-predictor-00001" / "models"
    assert argv == ["--model_name=chosen", f"--model_dir={models}", "--more"]
    home.delete("InferenceService", "chosen")
    home.delete("ServingRuntime", "found")


def test_references_between_variables() -> None:
    """$(NAME) is replaced where it is known; $$ is one dollar."""
    assert container.expanded("$(A)/$(B) $$(A) $A", {"A": "1"}) == "1/$(B) $(A) $A"


def test_images_are_environments() -> None:
    """Tags and digests do not matter, any other name does."""
    for image in ("ghcr.io/driftloop/driftloop", "ghcr.io/driftloop/driftloop:0.1.0@sha256:00"):
        assert container.interpreter(image).name.startswith("python")
    with pytest.raises(RefusedError, match="localhost:5000/driftloop"):
        container.interpreter("localhost:5000/driftloop")
