"""Step by step: render, apply, wait. Each may be done again: an installation that broke off is started anew."""

from __future__ import annotations

import time
from collections.abc import Iterable

from pocket import progress
from scripts.platform import keys, kubectl, readiness
from scripts.platform.kubectl import KubectlError
from scripts.platform.plan import Step
from scripts.platform.rendering import Rendering, render

RETRY_SECONDS = 5
TRANSIENT = (
    "no matches for kind",  # its definition is applied, but not served yet
    "ensure CRDs are installed first",
    "failed calling webhook",  # the webhook's pod is about to start, or has no certificate yet
    "connection refused",
    "unexpected EOF",
    "TLS handshake timeout",
    "i/o timeout",
    "the server is currently unable to handle the request",
    "etcdserver: request timed out",
    "Operation cannot be fulfilled",
)
"""What kubectl says of a failure that passes."""


def install(steps: Iterable[Step], on_progress: progress.Progress, timeout_seconds: int) -> None:
    """Apply each step and wait until it is ready. KubectlError names the one that was not in `timeout_seconds`."""
    for step in steps:
        on_progress(progress.Step(step.folder, "fetched and applied"))
        rendering = render(step)
        apply(rendering, step.manager, timeout_seconds)
        if step.secrets:
            keys.ensure()
        on_progress(progress.Step(step.folder, "starting"))
        readiness.await_ready(rendering.objects, timeout_seconds, step.later)
        on_progress(progress.Step(step.folder, "ready", done=True))


def apply(rendering: Rendering, manager: str, timeout_seconds: float) -> None:
    """Apply until it holds: a step may bring a kind and objects of it, or a webhook and what it looks at."""
    until = time.monotonic() + timeout_seconds
    while True:
        try:
            return kubectl.apply(rendering.text, manager)
        except KubectlError as error:
            if time.monotonic() >= until or not passes(error):
                raise
        time.sleep(RETRY_SECONDS)


def passes(error: KubectlError) -> bool:
    """Whether a failure goes away by itself."""
    return any(words in error.what for words in TRANSIENT)
