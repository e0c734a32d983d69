"""What the cluster looks like, into a folder: for whoever must find out why something did not start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from contracts.errors import ConfigError, DriftloopError, RejectedError
from pocket import progress
from scripts.cluster.access import NAMESPACE
from scripts.platform import kubectl, status

OBJECTS = "all,events,configmaps,persistentvolumeclaims,networkpolicies"
"""Kinds that every cluster has. No Secrets."""
KINDS = (
    "services.serving.knative.dev,brokers.eventing.knative.dev,triggers.eventing.knative.dev,"
    "inferenceservices.serving.kserve.io"
)
"""Kinds of the platform, whose conditions say what is missing."""


@contextmanager
def on_failure(home: Path, on_progress: progress.Progress) -> Iterator[None]:
    """Whatever fails inside, its message names the folder with the cluster's state, and how to go on.

    A mistake of the user's and a gate's no are no failure of the cluster.
    """
    try:
        yield
    except (ConfigError, RejectedError):
        raise
    except DriftloopError as error:
        on_progress(progress.Step("state", "written down"))
        folder = write_new(home)
        on_progress(progress.Step("state", f"in {folder}", done=True))
        told = f"The cluster's state is in {folder}. Run the same again: it goes on where it was."
        raise type(error)(error.what, f"{error.remedy} {told}".strip()) from error


def write_new(home: Path) -> Path:
    """As `write`, into a folder that has the time as its name."""
    return write(home / "dumps" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}")


def write(folder: Path) -> Path:
    """Objects, conditions, events and logs of every namespace of ours and of the platform; the folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _keep(folder / "nodes.txt", "describe", "nodes")
    _keep(folder / "pods.txt", "get", "pods", "--all-namespaces", "--output=wide")
    for namespace in namespaces():
        place = f"--namespace={namespace}"
        _keep(folder / f"{namespace}.objects.txt", "get", OBJECTS, place, "--output=wide")
        _keep(folder / f"{namespace}.pods.txt", "describe", "pods", place)
        _keep(folder / f"{namespace}.conditions.txt", "describe", KINDS, place)
        _keep(folder / f"{namespace}.events.txt", "get", "events", place, "--sort-by=.lastTimestamp")
        _keep_logs(folder / namespace, place)
    return folder


def namespaces() -> list[str]:
    """The loop's and the platform's, in order of names."""
    return sorted({NAMESPACE, *(party.namespace for party in status.parties())})


def _keep_logs(folder: Path, place: str) -> None:
    try:
        pods = kubectl.run("get", "pods", place, "--output=name").split()
    except DriftloopError:  # the namespace's other files say why
        return
    for pod in pods:
        folder.mkdir(exist_ok=True)
        file = folder / f"{pod.rpartition('/')[2]}.log"
        _keep(file, "logs", pod, place, "--all-containers", "--prefix", "--tail=2000")


def _keep(file: Path, *arguments: str) -> None:
    """A file of what kubectl says, or of why it does not."""
    try:
        file.write_text(kubectl.run(*arguments, "--request-timeout=30s"))
    except DriftloopError as error:
        file.write_text(f"{error}\n")
