"""plan: the trials of a search, sampled from the loop's space, and the MLflow run they belong to."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from components.frame import require_labels
from components.lake import Manifest
from components.params import require_known
from components.split import Split
from components.tracking import TAG, Tracking
from contracts.loop import LoopSpec, TrainSpec
from contracts.model import sha256_of
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import load


class Trial(BaseModel):
    """One point of the search space."""

    model_config = ConfigDict(frozen=True)
    number: int
    kind: str
    params: dict[str, float | int | str]

    def to_json(self) -> str:
        """As the fan-out carries it: text, because a pipeline turns whole numbers into floats."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)


class Lineage(BaseModel):
    """Where a model comes from: the facts that end up as tags of its run and of its version."""

    model_config = ConfigDict(frozen=True)
    loop: str
    pipeline_run: str
    code_version: str
    source: str
    raw_digest: str
    refined_digest: str
    frame_sha256: str
    training_window: str
    holdout_window: str
    feature_service: str
    seed: str

    def tags(self) -> dict[str, str]:
        """The facts as tags of a run."""
        return {f"{TAG}{name}": value for name, value in self.model_dump().items()}


def sample(spec: TrainSpec) -> list[Trial]:
    """`spec.trials` distinct trials (fewer if the space is smaller), every kind at least once if there is room.

    The first kind of the space gets what is left over. The same seed gives the same trials.
    """
    generator = random.Random(spec.seed)  # noqa: S311 - a search, not a secret
    kinds = list(spec.space)
    wanted = [*kinds, *([kinds[0]] * spec.trials)][: spec.trials]
    drawn: dict[str, Trial] = {}
    for kind in wanted:
        for _ in range(100):
            params = {name: generator.choice(values) for name, values in spec.space[kind].items()}
            key = json.dumps([kind, params], sort_keys=True)
            if key not in drawn:
                drawn[key] = Trial(number=len(drawn), kind=kind, params=params)
                break
    return list(drawn.values())


def open_search(spec: LoopSpec, lineage: Lineage, tracking: Tracking) -> str:
    """Id of the MLflow run of this pipeline run, opened unless it is there."""
    return tracking.open_run(spec.name, lineage.pipeline_run, {f"{TAG}pipeline_run": lineage.pipeline_run})


def plan(spec: LoopSpec, lineage: Lineage, tracking: Tracking, sources: dict[str, str]) -> tuple[list[Trial], str]:
    """The trials, and the id of the parent run, opened with its lineage and its datasets."""
    run_id = open_search(spec, lineage, tracking)
    tracking.tag(run_id, lineage.tags())
    digests: dict[str, Any] = {
        "raw": lineage.raw_digest,
        "refined": lineage.refined_digest,
        "frame": lineage.frame_sha256,
    }
    for name, digest in digests.items():
        tracking.log_dataset(run_id, f"{spec.name}-{name}", digest, sources[name], "training")
    return sample(spec.train), run_id


def run(
    settings: Settings,
    spec: LoopSpec,
    raw: Path,
    refined: Path,
    frame: Path,
    training: Window,
    holdout: Window,
    pipeline_run: str,
    code_version: str,
    search: Path,
) -> list[str]:
    """The step: the trials as texts; the id of the parent run goes to the file `search`.

    What would fail in a trial or at the gate for want of labels fails here, before hours of training.
    """
    split = Split.of(training, spec.train.validation_days)
    require_labels(frame, split.fitting, split.validation, holdout)
    require_known(spec.train)
    before, after = Manifest.read(raw), Manifest.read(refined)
    lineage = Lineage(
        loop=spec.name,
        pipeline_run=pipeline_run,
        code_version=code_version,
        source=_without_password(spec.data.source),
        raw_digest=before.digest,
        refined_digest=after.digest,
        frame_sha256=sha256_of(frame),
        training_window=str(training),
        holdout_window=str(holdout),
        feature_service=load(spec.name).service,
        seed=str(spec.train.seed),
    )
    layers = f"s3://{settings.data_bucket}"
    sources = {"raw": f"{layers}/raw/{spec.name}/", "refined": f"{layers}/refined/{spec.name}/", "frame": frame.name}
    tracking = Tracking(settings.mlflow_tracking_uri)
    search.write_text(open_search(spec, lineage, tracking))  # at once, so that whatever fails later can close the run
    trials, _ = plan(spec, lineage, tracking, sources)
    return [trial.to_json() for trial in trials]


def _without_password(source: str) -> str:
    parts = urlsplit(source)
    return source if parts.password is None else source.replace(f":{parts.password}@", ":***@")
