"""`driftloop compile`: the pipeline file that every engine runs."""

from __future__ import annotations

from typing import Annotated

import typer

from contracts.errors import ConfigError


def compile_pipeline(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 2 if the file is out of date.")
    ] = False,
) -> None:
    """Compile the training pipeline to pipelines/compiled/training.yaml.

    [dim]driftloop compile --check[/dim]
    """
    from pipelines.compile import COMPILED, compile_training, is_fresh

    if not check:
        compile_training()
        print(COMPILED)
    elif not is_fresh():
        raise ConfigError(f"{COMPILED} is not what the pipeline compiles to.", "Run `driftloop compile` and commit it.")
