"""The cases as registered versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from live.version import Rows, registered

from canaries.case import Case
from components.registry import Version
from contracts.loop import LoopSpec
from contracts.model import ModelCard
from contracts.objects import ObjectStore
from contracts.settings import Settings
from feature_store.contract import LABEL
from pocket.progress import Progress, Step


@dataclass(frozen=True)
class Workshop:
    """Makes versions of one frame."""

    settings: Settings
    spec: LoopSpec
    training: Rows
    holdout: Rows
    place: Path

    def all(self, cases: Sequence[Case], on_progress: Progress) -> dict[str, Version]:
        """Case → version."""
        made = {}
        for case in cases:
            on_progress(Step("versions", case.name))
            made[case.name] = self._make(case)
        on_progress(Step("versions", f"{len(made)} registered", done=True))
        return made

    def _make(self, case: Case) -> Version:
        name = case.name.replace(" ", "-")
        training = self._inverted() if case.is_inverted else self.training
        version = registered(self.settings, self.spec, name, case.trial, training, self.holdout, self.place)
        if case.is_changed:
            change(ObjectStore(self.settings), version, self.place / name)
        return version

    def _inverted(self) -> Rows:
        path = self.place / "inverted.parquet"
        rows = pq.read_table(self.training.frame)
        labels = pc.subtract(pa.scalar(1.0), rows[LABEL].cast(pa.float64()))
        pq.write_table(rows.set_column(rows.column_names.index(LABEL), LABEL, labels), path)
        return Rows(path, self.training.window)


def change(store: ObjectStore, version: Version, folder: Path) -> None:
    """Flip one bit in the middle of a registered version's model file on S3."""
    uri = f"{version.model_uri.rstrip('/')}/{ModelCard.read(folder).model_file}"
    body = bytearray(store.get(uri))
    body[len(body) // 2] ^= 1
    store.put(uri, bytes(body))
