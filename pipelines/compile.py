"""From the wiring to `pipelines/compiled/`, the files every engine runs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

COMPILED = Path(__file__).parent / "compiled" / "training.yaml"
SCHEDULED = COMPILED.with_name("scheduled.yaml")
LOOPS = Path(__file__).parent / "loops"


def compile_training(path: Path = COMPILED) -> None:
    """Write the compiled pipeline."""
    from pipelines.training import training

    _compile(training, path)


def compile_scheduled(path: Path = SCHEDULED) -> None:
    """Write the compiled pipeline that the clock starts."""
    from pipelines.scheduled import scheduled

    _compile(scheduled, path)


def write_manifest(path: Path, namespace: str) -> str:
    """Write the Kubernetes objects Pipeline and PipelineVersion of KFP's own API; the version's name.

    The version is named after what it holds: another pipeline is another object, for a version never changes.
    """
    from kfp.compiler import Compiler
    from kfp.compiler.compiler_utils import KubernetesManifestOptions

    from pipelines.training import training

    with TemporaryDirectory() as folder:
        fresh = Path(folder) / "training.yaml"
        compile_training(fresh)
        version = f"{training.name}-{hashlib.sha256(fresh.read_bytes()).hexdigest()[:12]}"
    options = KubernetesManifestOptions(
        pipeline_name=training.name, pipeline_version_name=version, namespace=namespace, include_pipeline_manifest=True
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    Compiler().compile(training, str(path), kubernetes_manifest_options=options, kubernetes_manifest_format=True)
    return version


def is_fresh(path: Path = COMPILED) -> bool:
    """Whether a compiled file is what the wiring gives today."""
    write = compile_scheduled if path.name == SCHEDULED.name else compile_training
    with TemporaryDirectory() as folder:
        fresh = Path(folder) / path.name
        write(fresh)
        return path.is_file() and path.read_bytes() == fresh.read_bytes()


def _compile(pipeline: Any, path: Path) -> None:
    from kfp.compiler import Compiler

    path.parent.mkdir(parents=True, exist_ok=True)
    Compiler().compile(pipeline, str(path))
