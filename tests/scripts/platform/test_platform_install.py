"""A step is rendered, applied and awaited, and may be done again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocket.progress import Step as Progress
from scripts.platform import install, kubectl, readiness, uninstall
from scripts.platform.kubectl import KubectlError
from scripts.platform.plan import Step
from scripts.platform.rendering import Rendering

pytestmark = [pytest.mark.usefixtures("cluster"), pytest.mark.xdist_group("platform")]


@pytest.fixture
def step(tmp_path: Path) -> Step:
    """A namespace, and a ConfigMap in it."""
    (tmp_path / "kustomization.yaml").write_text("resources: [namespace.yaml, words.yaml]\n")
    (tmp_path / "namespace.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: tried}\n")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words, namespace: tried}\ndata: {a: b}\n"
    (tmp_path / "words.yaml").write_text(text)
    return Step(str(tmp_path))


def test_a_step_may_be_installed_again(step: Step) -> None:
    """Both times it ends, and tells that it is ready."""
    told: list[Progress] = []
    for _ in range(2):
        install.install([step], told.append, timeout_seconds=30)
    found = kubectl.find("configmap", "words", "tried")
    assert found is not None
    assert found["data"] == {"a": "b"}
    assert [one.what for one in told if one.done] == ["ready", "ready"]


def test_two_steps_set_fields_of_one_object(step: Step, tmp_path: Path) -> None:
    """The later adds to what the earlier set, and the earlier takes nothing of it away."""
    install.install([step], lambda step: None, timeout_seconds=30)
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words, namespace: tried}\ndata: {c: d}\n"
    install.apply(Rendering(other), "other", 30)
    install.install([step], lambda step: None, timeout_seconds=30)
    found = kubectl.find("configmap", "words", "tried")
    assert found is not None
    assert found["data"] == {"a": "b", "c": "d"}


def test_uninstalling_keeps_what_holds_data(step: Step) -> None:
    """The namespace stays until it is given up by name; a second time is harmless."""
    install.install([step], lambda step: None, timeout_seconds=30)
    for _ in range(2):
        uninstall.uninstall([step], lambda step: None, with_data=False)
    assert kubectl.find("configmap", "words", "tried") is None
    assert "tried" in kubectl.run("get", "namespaces")
    uninstall.uninstall([step], lambda step: None, with_data=True)
    assert "tried" not in kubectl.run("get", "namespaces")


def test_a_mistake_is_told_at_once(step: Step) -> None:
    """In kubectl's own words; only what passes by itself is tried again."""
    bad = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words, namespace: default}\ndate: {}\n"
    with pytest.raises(KubectlError, match="date"):
        install.apply(Rendering(bad), "test", 3600)


def test_what_does_not_pass_in_time_is_told() -> None:
    """A kind that nobody serves."""
    with pytest.raises(KubectlError, match="no matches for kind"):
        install.apply(Rendering("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}\n"), "test", 0)


def test_a_folder_that_cannot_be_rendered_is_told(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(KubectlError, match=tmp_path.name):
        install.install([Step(str(tmp_path))], lambda step: None, timeout_seconds=1)


def test_what_runs_is_awaited() -> None:
    """Workloads roll out, kinds are established, Jobs complete; nothing else has to become ready."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Job", "ConfigMap", "Service")
    objects = [{"kind": kind, "metadata": {"name": "x", "namespace": "y"}} for kind in kinds]
    objects.append({"kind": "CustomResourceDefinition", "metadata": {"name": "x"}})
    assert [" ".join(words) for words in readiness.waits(objects, 9)] == [
        "rollout status deployment/x --namespace=y --timeout=9s",
        "rollout status statefulset/x --namespace=y --timeout=9s",
        "rollout status daemonset/x --namespace=y --timeout=9s",
        "wait --for=condition=Complete job/x --namespace=y --timeout=9s",
        "wait --for=condition=Established customresourcedefinition/x --timeout=9s",
    ]


def test_what_is_not_ready_in_time_is_told() -> None:
    """With where to look."""
    objects = [{"kind": "Deployment", "metadata": {"name": "x", "namespace": "tried"}}]
    with pytest.raises(KubectlError, match="kubectl get pods,events --namespace=tried"):
        readiness.await_ready(objects, 1)


def test_what_waits_for_the_loop_is_not_awaited() -> None:
    """It is named in the order of installation."""
    objects = [{"kind": "StatefulSet", "metadata": {"name": name, "namespace": "y"}} for name in ("now", "then")]
    assert ["statefulset/now" in words for words in readiness.waits(objects, 9, ["then"])] == [True]
