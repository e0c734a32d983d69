"""The steps as Kubeflow Pipelines components: each adapts paths and texts to one function, nothing more.

A step's body travels as source and runs in a process of its own, hence the imports inside. Code that runs inside a
step cannot import this module: there `kfp.dsl` has no authoring API.
"""

from typing import NamedTuple

from kfp import dsl

IMAGE = "ghcr.io/driftloop/driftloop:0.1.0"
"""What every step runs in on a cluster: the main environment and the folders it needs."""

# What is named code_version and data_version is not read: a cached step must miss when either is another one.
_step = dsl.component(base_image=IMAGE, install_kfp_package=False)


@_step
def days(spec: str, today: str) -> NamedTuple(  # type: ignore[valid-type]
    "outputs", [("start", str), ("end", str), ("holdout_end", str), ("chosen_at", str)]
):
    """The days of a run that is started by the clock."""
    from collections import namedtuple

    from components import days as step
    from components.edge import step_edge
    from contracts.loop import LoopSpec

    with step_edge():
        found, chosen_at = step.run(LoopSpec.from_json(spec), today)
        outputs = namedtuple("outputs", ["start", "end", "holdout_end", "chosen_at"])
        return outputs(str(found.start), str(found.end), str(found.holdout_end), chosen_at)
    raise AssertionError


@_step
def ingest(  # type: ignore[no-untyped-def]
    spec: str, start: str, end: str, code_version: str, data_version: str, raw: dsl.Output[dsl.Dataset]
):
    """Rows of the window from the loop's source into the raw layer; a manifest of their partitions and digests."""
    from pathlib import Path

    from components import ingest as step
    from components.edge import step_edge
    from contracts.loop import LoopSpec
    from contracts.window import Window

    with step_edge() as (settings, _):
        manifest = step.run(settings, LoopSpec.from_json(spec), Window.parse(start, end), Path(raw.path))
        raw.metadata.update(digest=manifest.digest, rows=sum(part.rows for part in manifest.partitions))


@_step
def validate(  # type: ignore[no-untyped-def]
    spec: str,
    code_version: str,
    data_version: str,
    raw: dsl.Input[dsl.Dataset],
    refined: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
):
    """Good rows into the refined layer, bad ones into quarantine with their reasons; a report of both."""
    from pathlib import Path

    from components import validate as step
    from components.edge import step_edge
    from contracts.loop import LoopSpec

    with step_edge() as (settings, _):
        manifest = step.run(settings, LoopSpec.from_json(spec), Path(raw.path), Path(refined.path), Path(report.path))
        refined.metadata.update(digest=manifest.digest, rows=sum(part.rows for part in manifest.partitions))


@_step
def features(  # type: ignore[no-untyped-def]
    spec: str,
    start: str,
    end: str,
    code_version: str,
    data_version: str,
    refined: dsl.Input[dsl.Dataset],
    frame: dsl.Output[dsl.Dataset],
):
    """The training frame, by Feast's point-in-time join; the online store brought up to date."""
    from pathlib import Path

    from components import features as step
    from components.edge import step_edge
    from contracts.loop import LoopSpec
    from contracts.window import Window

    with step_edge() as (settings, _):
        window = Window.parse(start, end)
        frame.metadata["rows"] = step.run(
            settings, LoopSpec.from_json(spec), Path(refined.path), window, Path(frame.path)
        )


@_step
def plan(
    spec: str,
    start: str,
    end: str,
    holdout_end: str,
    pipeline_run: str,
    code_version: str,
    raw: dsl.Input[dsl.Dataset],
    refined: dsl.Input[dsl.Dataset],
    frame: dsl.Input[dsl.Dataset],
    search: dsl.Output[dsl.Artifact],
) -> list:  # type: ignore[type-arg]
    """The trials to fan out over; `search` holds the id of the MLflow run they belong to."""
    from pathlib import Path

    from components import plan as step
    from components.edge import step_edge
    from contracts.loop import LoopSpec
    from contracts.window import Window

    with step_edge(search.path) as (settings, _):
        windows = Window.parse(start, end), Window.parse(end, holdout_end)
        paths, place = (Path(raw.path), Path(refined.path), Path(frame.path)), Path(search.path)
        loop = LoopSpec.from_json(spec)
        return step.run(settings, loop, *paths, *windows, pipeline_run, code_version, place)
    raise AssertionError


@_step
def train(
    spec: str,
    start: str,
    end: str,
    trial: str,
    search: dsl.Input[dsl.Artifact],
    frame: dsl.Input[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> str:
    """One trial, fitted without the window's last days and scored on them; an MLflow child run."""
    from pathlib import Path

    from components import train as step
    from components.edge import step_edge
    from contracts.loop import LoopSpec
    from contracts.window import Window

    with step_edge(search.path) as (settings, run_id):
        window = Window.parse(start, end)
        result = step.run(settings, LoopSpec.from_json(spec), Path(frame.path), window, trial, run_id)
        metrics.log_metric("validation_roc_auc", result.roc_auc)
        metrics.log_metric("validation_log_loss", result.log_loss)
        return result.model_dump_json()
    raise AssertionError


@_step
def select(
    spec: str,
    start: str,
    end: str,
    results: list[str],
    search: dsl.Input[dsl.Artifact],
    frame: dsl.Input[dsl.Dataset],
    challenger: dsl.Output[dsl.Model],
    leaderboard: dsl.Output[dsl.HTML],
) -> str:
    """The best trial, fitted again on the whole training window."""
    from pathlib import Path

    from components import select as step
    from components.edge import step_edge
    from contracts.loop import LoopSpec
    from contracts.window import Window

    with step_edge(search.path):
        window, folder = Window.parse(start, end), Path(challenger.path)
        best, card = step.run(
            LoopSpec.from_json(spec), Path(frame.path), window, results, folder, Path(leaderboard.path)
        )
        challenger.metadata.update(kind=card.kind, model_sha256=card.model_sha256)
        return best.model_dump_json()
    raise AssertionError


@_step
def evaluate(
    spec: str,
    start: str,
    end: str,
    search: dsl.Input[dsl.Artifact],
    frame: dsl.Input[dsl.Dataset],
    challenger: dsl.Input[dsl.Model],
    evaluation: dsl.Output[dsl.Artifact],
    curves: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.HTML],
) -> str:
    """Champion and challenger on the holdout; the gate's verdict, accept or reject."""
    from pathlib import Path

    from components import evaluate as step
    from components.edge import step_edge
    from contracts.loop import LoopSpec
    from contracts.window import Window

    with step_edge(search.path) as (settings, run_id):
        window, folder = Window.parse(start, end), Path(challenger.path)
        judged = step.run(
            settings, LoopSpec.from_json(spec), Path(frame.path), window, folder, run_id, Path(report.path)
        )
        curves.log_roc_curve(*judged.roc_curve())
        curves.log_confusion_matrix(*judged.confusion_matrix())
        Path(evaluation.path).write_text(judged.evaluation.model_dump_json(indent=1))
        return "accept" if judged.evaluation.accepted else "reject"
    raise AssertionError


@_step
def refit(  # type: ignore[no-untyped-def]
    spec: str,
    start: str,
    end: str,
    mode: str,
    best: str,
    search: dsl.Input[dsl.Artifact],
    frame: dsl.Input[dsl.Dataset],
    challenger: dsl.Input[dsl.Model],
    model: dsl.Output[dsl.Model],
):
    """What is registered: the challenger itself, or its recipe fitted again on all days up to the newest."""
    from pathlib import Path

    from components import refit as step
    from components.edge import step_edge
    from contracts.loop import LoopSpec
    from contracts.window import Window

    with step_edge(search.path) as (settings, run_id):
        window, paths = Window.parse(start, end), (Path(challenger.path), Path(model.path))
        card = step.run(
            settings, LoopSpec.from_json(spec), Path(frame.path), window, best, paths[0], mode, run_id, paths[1]
        )
        model.metadata.update(kind=card.kind, model_sha256=card.model_sha256)


@_step
def register(
    best: str,
    evaluation: dsl.Input[dsl.Artifact],
    search: dsl.Input[dsl.Artifact],
    challenger: dsl.Input[dsl.Model],
) -> str:
    """The accepted challenger as a version of the registered model, with its lineage; the version's number."""
    from pathlib import Path

    from components import register as step
    from components.edge import step_edge

    with step_edge(search.path) as (settings, run_id):
        return step.run(settings, Path(challenger.path), Path(evaluation.path), best, run_id).number
    raise AssertionError


@_step
def rollout(spec: str, version: str, mode: str, metrics: dsl.Output[dsl.Metrics], report: dsl.Output[dsl.HTML]) -> str:
    """The version into service, step by step or at once; `promoted` or `rolled_back`."""
    from pathlib import Path

    from components import rollout as step
    from components.edge import step_edge
    from contracts.loop import LoopSpec

    with step_edge() as (settings, _):
        story = step.run(settings, LoopSpec.from_json(spec), version, mode, Path(report.path))
        for name, value in story.metrics().items():
            metrics.log_metric(name, value)
        return story.last.verdict
    raise AssertionError
