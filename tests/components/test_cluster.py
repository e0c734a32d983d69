"""The Kubernetes API: where it is not, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.cluster import custom_objects
from components.inference_service import InferenceService, Served, SupersededError
from contracts.errors import ConfigError, UnavailableError

ONE, TWO = Served("1", "s3://mlflow/1/", "1" * 64), Served("2", "s3://mlflow/2/", "2" * 64)


def test_no_cluster(tmp_path: Path) -> None:
    """A kubeconfig that is not there or is none is told with its path."""
    with pytest.raises(ConfigError, match="KUBECONFIG"):
        custom_objects({"KUBECONFIG": str(tmp_path / "nothing")})
    (tmp_path / "config").write_text("none at all")
    with pytest.raises(ConfigError, match="KUBECONFIG"):
        custom_objects({"KUBECONFIG": str(tmp_path / "config")})


def test_a_cluster_that_is_away(kubeconfig: Path, tmp_path: Path) -> None:
    """Nobody listens there."""
    away = json.loads(kubeconfig.read_text())
    away["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    (tmp_path / "kubeconfig").write_text(json.dumps(away))
    client = custom_objects({"KUBECONFIG": str(tmp_path / "kubeconfig")})
    with pytest.raises(UnavailableError, match="InferenceService default/flights"):
        InferenceService(client, "default", "flights").read()


def test_nobody_may_ask(kubeconfig: Path, tmp_path: Path) -> None:
    """A token that is not let in is a mistake of the configuration."""
    strange = json.loads(kubeconfig.read_text())
    strange["users"][0]["user"]["token"] = "another"
    (tmp_path / "kubeconfig").write_text(json.dumps(strange))
    client = custom_objects({"KUBECONFIG": str(tmp_path / "kubeconfig")})
    with pytest.raises(ConfigError, match="refused InferenceService"):
        InferenceService(client, "default", "flights").read()


def test_what_is_not_there(kubeconfig: Path) -> None:
    """No object is none, no namespace is the user's mistake, and another version is not overwritten."""
    client = custom_objects({"KUBECONFIG": str(kubeconfig)})
    with pytest.raises(ConfigError, match="no such namespace"):
        InferenceService(client, "nowhere", "flights").create(ONE)
    service = InferenceService(client, "default", "cluster_test")
    assert service.read() is None
    with pytest.raises(SupersededError, match="names nothing"):
        service.change(ONE, 0)
    service.create(ONE)
    service.create(TWO)  # is there: stays
    state = service.read()
    assert state is not None
    assert (service.name, state.served, state.percent, state.is_whole) == ("cluster-test", ONE, None, False)
    with pytest.raises(SupersededError, match="names version 1"):
        service.change(TWO, 0)
    service.delete()
    service.delete()
    assert service.read() is None


def test_somebody_elses(kubeconfig: Path) -> None:
    """An InferenceService that does not tell its version is left alone."""
    client = custom_objects({"KUBECONFIG": str(kubeconfig)})
    service = InferenceService(client, "default", "foreign")
    spec = {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://a/b/"}}}
    head = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "foreign"}}
    client.create_namespaced_custom_object(*service.place, {**head, "spec": spec})
    with pytest.raises(ConfigError, match="not made by driftloop"):
        service.read()
    service.delete()
