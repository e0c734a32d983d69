"""The training pipeline: from a source of rows to a version that serves, or to a reasoned no."""

from kfp import dsl

from components import steps


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
):
    """Train on [start, end), compare on [end, holdout_end). `spec` is a loop specification as JSON; dates are UTC.

    `rollout`: `canary` step by step, `direct` at once, `none` registers only. `refit`: `yes` fits what was accepted
    once more, on [start, holdout_end), before it is registered.
    """
    raw = steps.ingest(spec=spec, start=start, end=holdout_end).set_caching_options(False)
    refined = steps.validate(spec=spec, raw=raw.outputs["raw"]).set_caching_options(False)
    frame = steps.features(
        spec=spec, start=start, end=holdout_end, refined=refined.outputs["refined"]
    ).set_caching_options(False)
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
            live.set_retry(num_retries=2, backoff_duration="10s")  # an evicted pod leaves its canary behind
