"""`driftloop compile`: the pipeline file that every engine runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import ConfigError


def compile_pipeline(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 2 if the file is out of date.")
    ] = False,
    manifest: Annotated[
        Path | None, typer.Option(help="Write the objects Pipeline and PipelineVersion to this file instead.")
    ] = None,
    namespace: Annotated[str, typer.Option(help="Of these objects: that of Kubeflow Pipelines.")] = "kubeflow",
) -> None:
    """Compile the training pipeline, and the one that the clock starts, to pipelines/compiled/.

    [dim]driftloop compile --check
    driftloop compile --manifest pipeline.yaml && kubectl apply -f pipeline.yaml[/dim]
    """
    from pipelines.compile import COMPILED, SCHEDULED, compile_scheduled, compile_training, is_fresh, write_manifest

    if manifest is not None:
        if manifest.suffix not in (".yaml", ".yml"):
            raise ConfigError(f"--manifest is {str(manifest)!r}.", "Give a file whose name ends with .yaml.")
        print(f"{manifest}: PipelineVersion {write_manifest(manifest, namespace)}")
    elif not check:
        compile_training()
        compile_scheduled()
        print(COMPILED, SCHEDULED, sep="\n")
    for path in (COMPILED, SCHEDULED) if check else ():
        if not is_fresh(path):
            raise ConfigError(f"{path} is not what the pipeline compiles to.", "Run `driftloop compile` and commit it.")
