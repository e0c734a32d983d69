"""Pipelines of a second."""

from pathlib import Path
from typing import Any

from kfp import compiler, dsl, kubernetes  # noqa: TID251 - no step imports this module


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def greet(name: str) -> str:  # noqa: D103
    import os

    return f"{os.environ['GREETING']} {name}"


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def count(number: int) -> int:  # noqa: D103
    return number


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def end(greeting: str, how: str):  # type: ignore[no-untyped-def]  # noqa: D103
    import os
    import pathlib
    import subprocess

    if how == "sleep":
        subprocess.run(["sleep", "600"])
    elif how == "raise":
        raise ValueError(f"no answer to {greeting}")
    elif how:  # its last words
        pathlib.Path(os.environ["DRIFTLOOP_TERMINATION_LOG"]).write_text(how)
        raise SystemExit(1)


_end = end  # the real pipeline has a parameter of that name


@dsl.pipeline(name="tiny")
def tiny(name: str, how: str = ""):  # type: ignore[no-untyped-def]
    """Greet, then end in some way."""
    end(greeting=greet(name=name).output, how=how)


@dsl.pipeline(name="fan")
def fan():  # type: ignore[no-untyped-def]
    """Two tasks at once, and one after them."""
    with dsl.ParallelFor([1, 2]) as number:
        counted = count(number=number)
    greet(name="all").after(counted)


@dsl.pipeline(name="training")
def training(  # type: ignore[no-untyped-def]
    spec: str,
    start: str,
    end: str,
    holdout_end: str,
    code_version: str,
    rollout: str = "none",
    refit: str = "no",
    data_version: str = "",
):
    """Takes what the real one takes; the code version says how it ends."""
    _end(greeting=greet(name=start).output, how=code_version)


@dsl.pipeline(name="demanding")
def demanding(how: str):  # type: ignore[no-untyped-def]
    """Asks for what this machine has not."""
    greeting = greet(name="you")
    ending = end(greeting=greeting.output, how=how)
    for task in (greeting, ending):
        task.set_cpu_request("500").set_cpu_limit("1000").set_memory_request("50T").set_memory_limit("100T")
        task.set_retry(2, backoff_duration="3600s", backoff_max_duration="3600s")
        kubernetes.set_timeout(task, 1)
        kubernetes.use_secret_as_env(task, "absent", {"GREETING": "GREETING"})
        kubernetes.use_config_map_as_env(task, "absent", {"HOME": "HOME"})


def compiled(pipeline: Any, folder: Path) -> Path:
    """The compiled file."""
    path = folder / f"{pipeline.name}.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    return path
