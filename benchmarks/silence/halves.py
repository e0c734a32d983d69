"""The rows of a frame, dealt at random: one half to train on, the other to ask about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def halves(frame: Path, seed: int, place: Path) -> tuple[Path, Path]:
    """Two frames that have no row in common."""
    rows = pq.read_table(frame)
    chosen = np.random.default_rng(seed).permutation(rows.num_rows) % 2 == 0
    written = []
    for name, part in (("kept", chosen), ("held-out", ~chosen)):
        path = place / f"{name}.parquet"
        pq.write_table(rows.filter(pa.array(part)), path)
        written.append(path)
    return written[0], written[1]
