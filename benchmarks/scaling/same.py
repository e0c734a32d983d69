"""Whether two ways made the same features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from feature_store.contract import LABEL, ROW_ID
from feature_store.flights.columns import COLUMNS


def difference(ours: Path, plain: pd.DataFrame) -> str:
    """The first difference between the pipeline's frame and the plain one, or nothing if every value is the same."""
    frame = pq.read_table(ours).to_pandas()
    other = plain.set_index(_row_ids(plain))
    if len(frame) != len(other) or set(frame[ROW_ID]) != set(other.index):
        return f"{len(frame)} rows and {len(other)} are not the same flights"
    other = other.loc[frame[ROW_ID]]
    for name in [*(column.name for column in COLUMNS), LABEL]:
        mine, theirs = frame[name].to_numpy(), other[name].astype(frame[name].dtype).to_numpy()
        same = (mine == theirs) | (pd.isna(mine) & pd.isna(theirs))
        if not same.all():
            row = int(np.argmin(same))
            return f"{name} of {frame[ROW_ID][row]} is {mine[row]} here and {theirs[row]} there"
    return ""


def _row_ids(plain: pd.DataFrame) -> pd.Series[str]:
    texts = {name: plain[name].astype(str) for name in ("carrier", "flight", "origin")}
    departure = plain["departure"].dt.strftime("%Y%m%dT%H%M")
    return pd.Series(departure + "-" + texts["carrier"] + texts["flight"] + "-" + texts["origin"])
