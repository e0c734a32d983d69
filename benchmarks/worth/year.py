"""The year's training frame, made once by the pipeline's own steps on a real S3 server, and kept."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.loop import LoopSpec
from contracts.settings import Settings
from contracts.window import Window
from pocket import services
from pocket.progress import Progress, Step

YEAR = Window(date(2013, 1, 1), date(2014, 1, 1))
_OF_OTHERS = ("AWS_", "DRIFTLOOP_", "MLFLOW_", "FEAST_")
"""Variables that would lead to servers that are not the benchmark's own begin so."""


def frame(spec: LoopSpec, folder: Path, on_progress: Progress) -> Path:
    """The frame of the whole year: its file from an earlier call, or a new one."""
    path = folder / "frame.parquet"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHERS)}
    with TemporaryDirectory(prefix="year-", dir=folder) as place:
        home = Path(place) / "home"
        try:
            own = services.up(home, env, on_progress, tracking=False)
            _build(Settings.from_env({**own, "DRIFTLOOP_HOME": str(home)}), spec, Path(place), on_progress)
            (Path(place) / "frame").replace(path)
        finally:
            services.down(home, on_progress)
    return path


def _build(settings: Settings, spec: LoopSpec, place: Path, on_progress: Progress) -> None:
    from components import ingest, validate
    from components.features import features
    from components.lake import Lake, Manifest
    from contracts.objects import ObjectStore
    from feature_store.contract import load

    on_progress(Step("year", "ingest"))
    ingest.run(settings, spec, YEAR, place / "raw")
    on_progress(Step("year", "validate"))
    validate.run(settings, spec, place / "raw", place / "refined", place / "report.html")
    on_progress(Step("year", "features"))
    lake = Lake(ObjectStore(settings), settings.data_bucket, spec.name)
    features(Manifest.read(place / "refined"), load(spec.name), lake, YEAR, place / "frame")
    on_progress(Step("year", "built", done=True))
