"""From the wiring to `pipelines/compiled/training.yaml`, the file every engine runs."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

COMPILED = Path(__file__).parent / "compiled" / "training.yaml"
LOOPS = Path(__file__).parent / "loops"


def compile_training(path: Path = COMPILED) -> None:
    """Write the compiled pipeline."""
    from kfp.compiler import Compiler

    from pipelines.training import training

    path.parent.mkdir(parents=True, exist_ok=True)
    Compiler().compile(training, str(path))


def is_fresh(path: Path = COMPILED) -> bool:
    """Whether the compiled file is what the wiring gives today."""
    with TemporaryDirectory() as folder:
        fresh = Path(folder) / "training.yaml"
        compile_training(fresh)
        return path.is_file() and path.read_bytes() == fresh.read_bytes()
