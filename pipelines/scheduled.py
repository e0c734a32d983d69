"""The training pipeline as the clock starts it: the same one, on days that are chosen when it begins."""

from kfp import dsl

from components import steps
from pipelines.pods import on_cluster
from pipelines.training import training


@dsl.pipeline(name="scheduled", description="Training on the newest days whose labels are known, as a recurring run.")
def scheduled(  # type: ignore[no-untyped-def]
    spec: str, today: str = "", code_version: str = "unknown", rollout: str = "canary", refit: str = "yes"
):
    """`today` is the day on which it runs, empty: the clock's. The rest is as in `training`.

    The day is read by the first step: a recurring run's parameters never change, and not every version of the backend
    puts the time of the schedule in their place.
    """
    days = steps.days(spec=spec, today=today).set_caching_options(False)
    on_cluster(days)
    training(
        spec=spec,
        start=days.outputs["start"],
        end=days.outputs["end"],
        holdout_end=days.outputs["holdout_end"],
        code_version=code_version,
        rollout=rollout,
        refit=refit,
        data_version=days.outputs["chosen_at"],
    )
