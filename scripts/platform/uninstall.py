"""The steps backwards. Data stays unless it is given up by name: volumes, their namespaces, and the keys to them."""

from __future__ import annotations

from collections.abc import Sequence

from pocket import progress
from scripts.platform import kubectl
from scripts.platform.kubectl import Json, KubectlError
from scripts.platform.plan import Step
from scripts.platform.rendering import render

HOLDS_DATA = ("Namespace", "PersistentVolumeClaim")


def uninstall(steps: Sequence[Step], on_progress: progress.Progress, with_data: bool) -> None:
    """Delete what each step applied, the last first; a second time harmless."""
    for step in reversed(steps):
        on_progress(progress.Step(step.folder, "deleted"))
        doomed = render(step).only(lambda found: with_data or keeps_no_data(found))
        if doomed.objects:
            delete(doomed.text)
        on_progress(progress.Step(step.folder, "gone", done=True))


def keeps_no_data(found: Json) -> bool:
    """Whether an object can be deleted and nothing is lost."""
    return found["kind"] not in HOLDS_DATA


def delete(body: str) -> None:
    """Delete objects; those that are away, or whose kind is, are no failure."""
    try:
        kubectl.run("delete", "--ignore-not-found", "--filename=-", stdin=body)
    except KubectlError as error:
        if "no matches for kind" not in error.what:
            raise
