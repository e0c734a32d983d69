"""The loop as its user sees it: the command line, against whatever cluster the environment names."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.platform import kubectl

LOOP = "flights"
COMMAND = (sys.executable, "-m", "scripts.cli")
SECONDS = 3000
"""How long a command may take: each step of a run is a pod there."""
SECOND = "driftloop-second"
"""A namespace in which versions serve as in production."""
COPIED = ("configmap/driftloop-settings", "secret/driftloop-s3", "serviceaccount/predictor")
RUNTIME = "servingruntimes.serving.kserve.io/driftloop-predictor"


def driftloop(*words: str, exit_code: int = 0) -> str:
    """What a command prints; it must end with that code."""
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == exit_code, f"`driftloop {' '.join(words)}` ended with {done.returncode}: {done.stderr}"
    return done.stdout


def answer(*words: str) -> Any:
    """What a command prints with --json."""
    return json.loads(driftloop(*words, "--json"))


def number_of(alias: str) -> str | None:
    """The version that an alias names, or None."""
    done = subprocess.run(
        [*COMMAND, "lineage", f"{LOOP}@{alias}", "--json"], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return str(json.loads(done.stdout)[LOOP]["version"]) if done.returncode == 0 else None


def train(end: str, *words: str) -> None:
    """One run of the pipeline over the year's days up to one, with a gate that lets everything pass."""
    gate = ("gate.min_roc_auc=0.0", "gate.max_log_loss=9.0", "gate.min_slice_roc_auc=0.0", "gate.tolerance=1.0")
    settings = [word for one in gate for word in ("--set", one)]
    driftloop("run", LOOP, "--start", "2013-01-01", "--end", end, *settings, *words)


@contextmanager
def traffic(batch_rows: int) -> Iterator[subprocess.Popen[bytes]]:
    """Live rows of April to December, as long as the block runs; the process that sends them."""
    days = ("--start", "2013-04-01", "--end", "2014-01-01")
    words = (*COMMAND, "replay", LOOP, *days, "--batch-rows", str(batch_rows))
    sender = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield sender
    finally:
        sender.terminate()
        sender.wait()


def retrain_decisions() -> list[dict[str, Any]]:
    """What the trigger has decided so far, oldest first."""
    lines = driftloop("events", LOOP, "--type", "retrain", "--json").splitlines()
    return [json.loads(line)["data"] for line in lines]


def make_second_namespace() -> None:
    """A namespace with what a predictor needs, taken from the loop's own."""
    bodies = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SECOND}}]
    for name in (*COPIED, RUNTIME):
        body = json.loads(kubectl.run("get", name, "--namespace=driftloop", "--output=json"))
        kept = {key: body["metadata"][key] for key in ("name", "annotations", "labels") if key in body["metadata"]}
        body["metadata"] = {**kept, "namespace": SECOND}
        body.pop("status", None)
        bodies.append(body)
    for body in bodies:
        kubectl.apply(json.dumps(body), "driftloop-tests")


def write_environments(folder: Path, gateway: str | None) -> None:
    """Staging is where the loop works; production is the second namespace, its event log in a bucket that is there."""
    asked = f"gateway = {json.dumps(gateway)}\n" if gateway else ""
    (folder / "staging.toml").write_text(asked)
    (folder / "production.toml").write_text(
        f'after = "staging"\nnamespace = "{SECOND}"\ndata_bucket = "mlflow"\n{asked}'
    )
