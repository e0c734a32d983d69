"""The training pipeline: from a source of rows to a version that serves, or to a reasoned no."""

from kfp import dsl

from components import steps
from pipelines.pods import on_cluster


@dsl.pipeline(
    name="training", description="Ingest, validate, features, train, select, evaluate, refit, register, rollout."
)
def training(  # type: ignore[no-untyped-def]
    spec: str,
    start: str,
    end: str,
    holdout_end: str,
    code_version: str = "unknown",
    rollout: str = "none",
    refit: str = "no",
    data_version: str = "",
):
    """Train on [start, end), compare on [end, holdout_end). `spec` is a loop specification as JSON; dates are UTC.

    `rollout`: `canary` step by step, `direct` at once, `none` registers only. `refit`: `yes` fits what was accepted
    once more, on [start, holdout_end), before it is registered. An engine that caches may take what comes before `plan`
    from an earlier run of the same `spec`, days, `code_version` and `data_version`: who runs it says by the last
    whether the source is as it was. The rest is never cached, for it writes to MLflow or reads what others write.
    """
    version = {"code_version": code_version, "data_version": f"{start} {holdout_end} {data_version}"}
    raw = steps.ingest(spec=spec, start=start, end=holdout_end, **version).set_caching_options(True)
    refined = steps.validate(spec=spec, raw=raw.outputs["raw"], **version).set_caching_options(True)
    frame = steps.features(
        spec=spec, start=start, end=holdout_end, refined=refined.outputs["refined"], **version
    ).set_caching_options(True)
    search = steps.plan(
        spec=spec,
        start=start,
        end=end,
        holdout_end=holdout_end,
        pipeline_run=f"{dsl.PIPELINE_JOB_NAME_PLACEHOLDER}.{dsl.PIPELINE_JOB_ID_PLACEHOLDER}",
        code_version=code_version,
        raw=raw.outputs["raw"],
        refined=refined.outputs["refined"],
        frame=frame.outputs["frame"],
    ).set_caching_options(False)
    with dsl.ParallelFor(search.outputs["Output"], name="trials") as trial:
        trained = steps.train(
            spec=spec, start=start, end=end, trial=trial, search=search.outputs["search"], frame=frame.outputs["frame"]
        ).set_caching_options(False)
    selected = steps.select(
        spec=spec,
        start=start,
        end=end,
        search=search.outputs["search"],
        results=dsl.Collected(trained.outputs["Output"]),
        frame=frame.outputs["frame"],
    ).set_caching_options(False)
    judged = steps.evaluate(
        spec=spec,
        start=end,
        end=holdout_end,
        search=search.outputs["search"],
        frame=frame.outputs["frame"],
        challenger=selected.outputs["challenger"],
    ).set_caching_options(False)
    with dsl.If(judged.outputs["Output"] == "accept", name="accepted"):
        final = steps.refit(
            spec=spec,
            start=start,
            end=holdout_end,
            mode=refit,
            best=selected.outputs["Output"],
            search=search.outputs["search"],
            frame=frame.outputs["frame"],
            challenger=selected.outputs["challenger"],
        ).set_caching_options(False)
        registered = steps.register(
            evaluation=judged.outputs["evaluation"],
            best=selected.outputs["Output"],
            search=search.outputs["search"],
            challenger=final.outputs["model"],
        ).set_caching_options(False)
        with dsl.If(rollout != "none", name="wanted"):
            live = steps.rollout(spec=spec, version=registered.output, mode=rollout).set_caching_options(False)
            on_cluster(live, backoff="10s")  # an evicted pod leaves its canary behind
        for task in (final, registered):
            on_cluster(task)
    for task in (raw, refined, frame, search, trained, selected, judged):
        on_cluster(task)
