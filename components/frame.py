"""Reading a training frame: the model's input matrix and labels of a window, streamed from its Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import DataError
from contracts.model import Feature
from contracts.window import Window
from feature_store.contract import LABEL, LABEL_TIME, DataContract
from feature_store.matrix import Matrix, encode

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Rows:
    """Labelled rows of a window."""

    matrix: Matrix
    """Shape [rows, features]."""
    labels: npt.NDArray[np.int8]
    """Shape [rows]: position of each row's class."""

    def drawn(self, most: int, seed: int) -> Rows:
        """So many rows at most, in their order."""
        if len(self.labels) <= most:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self.labels), size=most, replace=False))
        return Rows(self.matrix[chosen], self.labels[chosen])


def features_of(path: Path, contract: DataContract, window: Window) -> tuple[Feature, ...]:
    """The model's features: each categorical one with the values it takes in the window, sorted."""
    names = [column.name for column in contract.columns if column.categorical]
    values: dict[str, set[str]] = {name: set() for name in names}
    for batch in _batches(path, [*names, LABEL_TIME], window):
        for name in names:
            values[name].update(value for value in pc.unique(batch[name]).to_pylist() if value is not None)
    return tuple(
        Feature(name=column.name, categories=tuple(sorted(values[column.name])) if column.categorical else None)
        for column in contract.columns
    )


def read_rows(path: Path, features: tuple[Feature, ...], window: Window) -> Rows:
    """All labelled rows of a window. DataError if there are none or all have one label."""
    count = sum(_labelled(batch).num_rows for batch in _batches(path, [LABEL, LABEL_TIME], window))
    matrix = np.empty((count, len(features)), dtype=np.float32)
    labels = np.empty(count, dtype=np.int8)
    start = 0
    for batch in _batches(path, [*(feature.name for feature in features), LABEL, LABEL_TIME], window):
        rows = _labelled(batch)
        end = start + rows.num_rows
        matrix[start:end] = _encoded(rows, features)
        labels[start:end] = rows[LABEL].to_numpy()
        start = end
    if len(np.unique(labels)) < 2:
        raise DataError(
            f"Window {window} has {count} labelled rows, not of two classes.",
            "Choose a longer window or mend the labels.",
        )
    return Rows(matrix, labels)


def require_labels(path: Path, *windows: Window) -> None:
    """DataError unless each window has labelled rows of two classes."""
    for window in windows:
        found = [pc.unique(_labelled(batch)[LABEL]) for batch in _batches(path, [LABEL, LABEL_TIME], window)]
        classes = {label for labels in found for label in labels.to_pylist()}
        if len(classes) < 2:
            what = "labelled rows of one class only" if classes else "no labelled rows"
            raise DataError(f"Window {window} has {what}.", "Choose a longer window or mend the labels.")


def read_columns(path: Path, names: list[str], window: Window, labelled: bool = True) -> pd.DataFrame:
    """Some columns of a window, in the order of `read_rows` when only labelled rows are asked for."""
    batches = _batches(path, list(dict.fromkeys([*names, LABEL, LABEL_TIME])), window)
    frames = [(_labelled(batch) if labelled else batch).to_pandas()[names] for batch in batches]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)


def count_rows(path: Path, window: Window) -> int:
    """All rows of a window, labelled or not."""
    return sum(batch.num_rows for batch in _batches(path, [LABEL_TIME], window))


def read_places(path: Path, names: list[str], window: Window, places: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Some columns of the rows at `places`, ascending positions among all rows of a window, labelled or not."""
    start, found = 0, []
    for rows in _batches(path, [*names, LABEL_TIME], window):
        first, last = np.searchsorted(places, [start, start + rows.num_rows])
        found.append(rows.select(names).take(places[first:last] - start))
        start += rows.num_rows
    return pd.DataFrame(pa.concat_tables(found).to_pandas())


def _encoded(rows: pa.Table, features: tuple[Feature, ...]) -> Matrix:
    """The shared encoding; categorical columns come to it as positions already, made once for each distinct value."""
    there = [feature for feature in features if feature.name in rows.column_names]
    columns = {feature.name: _numbers(rows[feature.name], feature) for feature in there}
    return encode(columns, [Feature(name=feature.name) for feature in features])


def _numbers(values: pa.ChunkedArray, feature: Feature) -> npt.NDArray[Any]:
    if feature.categories is None:
        return np.asarray(values.to_numpy())
    coded = values.combine_chunks().dictionary_encode(null_encoding="encode")
    positions = encode({feature.name: coded.dictionary.to_pylist()}, (feature,))[:, 0]
    return np.asarray(positions[coded.indices.to_numpy()])


def _batches(path: Path, names: list[str], window: Window) -> Iterator[pa.Table]:
    kind = pa.timestamp("us", tz="UTC")
    start, end = pa.scalar(window.start_time, kind), pa.scalar(window.end_time, kind)
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys(names))):
            time = batch[LABEL_TIME]
            inside = pc.and_(pc.greater_equal(time, start), pc.less(time, end))
            yield pa.Table.from_batches([batch]).filter(inside)


def _labelled(batch: pa.Table) -> pa.Table:
    return batch.filter(pc.is_finite(pc.fill_null(batch[LABEL], float("nan"))))
