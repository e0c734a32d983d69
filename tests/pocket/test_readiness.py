"""Which services count as ready, and what is told of the others."""

from __future__ import annotations

from typing import Any

from pocket.kubernetes.status_error import Json
from pocket.progress import Step
from pocket.readiness import Wait, is_ready, reason


def service(name: str = "drift", ready: str = "", message: str = "", observed: int = 2) -> Json:
    """A Knative Service of generation 2; `ready` is its condition, empty for none."""
    told: dict[str, Any] = {"type": "Ready", "status": ready, "message": message}
    status = {"observedGeneration": observed, "conditions": [told] if ready else [], "url": f"http://{name}"}
    return {"metadata": {"name": name, "generation": 2}, "status": status}


def test_a_status_of_before_the_change_does_not_count() -> None:
    """Ready as the older generation was, is not ready."""
    assert not is_ready(service(ready="True", observed=1))
    assert is_ready(service(ready="True", observed=2))
    assert not is_ready({"metadata": {"name": "new", "generation": 1}})


def test_the_reason_is_the_conditions() -> None:
    """Its message, and something in words if it says nothing."""
    assert reason(service(ready="False", message="exit code 1: no model")) == "exit code 1: no model"
    assert reason(service()) == "its status says nothing yet"


def test_each_is_told_once() -> None:
    """When it becomes ready, or fails for a reason that was not told yet; what is not ready is waited for."""
    told: list[Step] = []
    wait = Wait(told.append)
    failed = service("drift", "False", "no environment")
    for _ in range(2):
        assert wait.look([failed, service("eventlog", "True"), service("trigger", "Unknown")]) == [
            failed,
            service("trigger", "Unknown"),
        ]
    assert told == [
        Step("drift", "not ready: no environment"),
        Step("eventlog", "ready at http://eventlog", done=True),
    ]


def test_only_one_that_fails_without_a_break_is_given_up() -> None:
    """Time is counted from when it failed, and anew once it has been something else."""
    wait = Wait(lambda step: None)
    wait.look([service(ready="False")])
    assert wait.failed_seconds(float("inf")) == float("inf")
    wait.look([service(ready="Unknown")])
    assert wait.failed_seconds(float("inf")) == 0
