"""The frame of the rows to replay, by the pipeline's own steps: the features that live clients would send."""

from __future__ import annotations

from pathlib import Path

from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window
from pocket.progress import Progress, Step


def frame_of(settings: Settings, spec: LoopSpec, window: Window, folder: Path, on_progress: Progress) -> Path:
    """Write the frame of a window into a folder. Months that a run has computed already are read from S3."""
    from components import ingest, validate
    from components.features import features
    from components.lake import Lake
    from feature_store.contract import load

    on_progress(Step("rows", f"reading {window}"))
    ingest.run(settings, spec, window, folder / "raw")
    refined = validate.run(settings, spec, folder / "raw", folder / "refined", folder / "report.html")
    on_progress(Step("rows", "computing features"))
    lake = Lake(ObjectStore(settings), settings.data_bucket, spec.name)
    count = features(refined, load(spec.name), lake, window, folder / "frame.parquet")
    on_progress(Step("rows", f"{count:,} rows", done=True))
    return folder / "frame.parquet"
