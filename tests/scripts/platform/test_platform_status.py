"""What runs of each third party."""

from __future__ import annotations

import pytest

from contracts.errors import UnavailableError
from scripts.platform import kubectl, plan, status
from scripts.platform.status import Status


def test_only_what_was_chosen_is_shown() -> None:
    """Each third party whose folder is a step."""
    names = {party.name for party in status.parties()}
    assert {"kafka", "minio", "seaweedfs"} <= names
    folders = {step.folder for step in plan.read().chosen({"s3": "seaweedfs"})}
    shown = {party.name for party in status.parties() if folders & set(party.folders)}
    assert "seaweedfs" in shown
    assert "minio" not in shown


@pytest.mark.parametrize(
    ("found", "counted"),
    [
        ({"kind": "Deployment", "spec": {"replicas": 2}, "status": {"readyReplicas": 1}}, (1, 2)),
        ({"kind": "StatefulSet", "spec": {}, "status": {}}, (0, 1)),
        ({"kind": "DaemonSet", "spec": {}, "status": {"numberReady": 3, "desiredNumberScheduled": 3}}, (3, 3)),
    ],
)
def test_pods_are_counted(found: kubectl.Json, counted: tuple[int, int]) -> None:
    """Those that are ready, and those that should be."""
    assert status.count(found) == counted


def test_nothing_at_all_is_not_fine() -> None:
    """A namespace in which nothing runs is no third party that does."""
    party = status.parties()[0]
    assert Status(party, 2, 2).is_fine
    assert not Status(party, 0, 0).is_fine
    assert not Status(party, 1, 2).is_fine


def test_no_cluster_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence that says what to set."""
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    with pytest.raises(UnavailableError, match="KUBECONFIG"):
        kubectl.context()
