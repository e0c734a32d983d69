"""Runs kubectl against the cluster that KUBECONFIG names."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.errors import UnavailableError

Json = Any
"""An object of the Kubernetes API."""


class KubectlError(UnavailableError):
    """kubectl ended with an error; its own words."""


def run(*arguments: str, stdin: str | None = None) -> str:
    """What kubectl prints. KubectlError if it fails. Secrets go in by `stdin`: arguments are for everybody to see."""
    program = Path(sys.executable).with_name("kubectl")
    try:
        done = subprocess.run([str(program), *arguments], input=stdin, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UnavailableError(f"{program} cannot be run: {error}.", "Install the project again.") from error
    if done.returncode:
        raise KubectlError(f"`kubectl {' '.join(arguments)}` failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def apply(body: str, manager: str) -> None:
    """Server-side apply of some objects, in the name of one owner of fields."""
    run("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}", "--filename=-", stdin=body)


def find(kind: str, name: str, namespace: str) -> Mapping[str, Json] | None:
    """An object, or None if there is none."""
    found = run("get", kind, name, f"--namespace={namespace}", "--ignore-not-found", "--output=json")
    return json.loads(found) if found.strip() else None


def context() -> str:
    """Name of the cluster's context, so that people see where they are. UnavailableError if there is none."""
    try:
        return run("config", "current-context").strip()
    except KubectlError as error:
        raise UnavailableError("No cluster is named.", "Set KUBECONFIG, or choose a context of kubectl.") from error
