"""When a step is ready: what it applied runs, whatever that is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from scripts.platform import kubectl
from scripts.platform.kubectl import Json, KubectlError

_ROLLED_OUT = ("Deployment", "StatefulSet", "DaemonSet")
_CONDITIONS = {"CustomResourceDefinition": "Established", "Job": "Complete"}


def waits(objects: Iterable[Json], timeout_seconds: int, later: Collection[str] = ()) -> list[Sequence[str]]:
    """Arguments of kubectl, each of which ends when one object is ready; none for those that will be `later`."""
    return [
        [*_wait(found), *_namespace(found), f"--timeout={timeout_seconds}s"]
        for found in objects
        if found["kind"] in (*_ROLLED_OUT, *_CONDITIONS) and found["metadata"]["name"] not in later
    ]


def await_ready(objects: Iterable[Json], timeout_seconds: int, later: Collection[str] = ()) -> None:
    """Return when all are ready. KubectlError tells which was not in time."""
    for arguments in waits(objects, timeout_seconds, later):
        try:
            kubectl.run(*arguments)
        except KubectlError as error:
            place = " ".join(word for word in arguments if word.startswith("--namespace"))
            raise KubectlError(error.what, f"See `kubectl get pods,events {place}`; then install again.") from error


def _wait(found: Json) -> list[str]:
    kind, name = found["kind"], found["metadata"]["name"]
    if kind in _ROLLED_OUT:
        return ["rollout", "status", f"{kind.lower()}/{name}"]
    return ["wait", f"--for=condition={_CONDITIONS[kind]}", f"{kind.lower()}/{name}"]


def _namespace(found: Json) -> list[str]:
    place = found["metadata"].get("namespace")
    return [f"--namespace={place}"] if place else []
