"""From a model folder, local or on S3, to a verified data plane."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import disk_room
from contracts.model import ModelCard
from contracts.settings import Settings
from serving.predictor.classifier import load
from serving.predictor.dataplane import DataPlane
from serving.predictor.options import Options


def open_plane(options: Options) -> DataPlane:
    """The data plane of the model that the options name, every digest checked before anything is read.

    Errors: IntegrityError (no card, a digest, a format), DataError (nothing there), UnavailableError (S3), ConfigError.
    """
    with _folder(options.location) as folder:
        card = ModelCard.read(folder)
        card.verify(folder, options.card_sha256, options.allow_code)
        classifier = load(folder, card, options.threads)
    return DataPlane(options.name, options.model_version or card.model_sha256[:12], card, classifier, options.max_rows)


@contextmanager
def _folder(location: str | Path) -> Iterator[Path]:
    if isinstance(location, Path):
        yield location
        return
    from contracts.objects import ObjectStore  # a folder that is here already needs no S3 client

    with tempfile.TemporaryDirectory(prefix="driftloop-model-") as name, disk_room(name):
        ObjectStore(Settings.from_env()).get_folder(location, Path(name))
        yield Path(name)
