"""The rows of a year in the order in which they would be asked about, and when their labels are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components import metrics
from components.frame import read_columns
from contracts.window import Window
from feature_store.contract import EVENT_TIME, LABEL, LABEL_TIME, DataContract


@dataclass(frozen=True)
class Traffic:
    """Requests of one row each."""

    rows: pd.DataFrame
    """With the raw features, LABEL (NaN: the outcome never came), EVENT_TIME and LABEL_TIME."""
    known: pd.Series[pd.Timestamp]
    """When each row's label is known."""

    @classmethod
    def of(cls, frame: Path, contract: DataContract, window: Window, label_delay_hours: float) -> Traffic:
        """The rows of some days."""
        names = [column.name for column in contract.columns]
        rows = read_columns(frame, [*names, LABEL, EVENT_TIME, LABEL_TIME], window, labelled=False)
        return cls.ordered(rows, label_delay_hours)

    @classmethod
    def ordered(cls, rows: pd.DataFrame, label_delay_hours: float) -> Traffic:
        """Rows of a frame, sorted by their event times."""
        rows = rows.sort_values(EVENT_TIME, kind="stable", ignore_index=True)
        return cls(rows, rows[LABEL_TIME] + timedelta(hours=label_delay_hours))

    def place(self, moment: datetime) -> int:
        """The first row at a moment or after it."""
        return int(self.rows[EVENT_TIME].searchsorted(pd.Timestamp(moment)))

    def end(self, part: slice) -> datetime:
        """Just after the last row of a part."""
        last: pd.Timestamp = self.rows[EVENT_TIME].iloc[part.stop - 1]
        return last.to_pydatetime() + timedelta(microseconds=1)

    def labelled_at(self, part: slice, share: float) -> datetime | None:
        """When at least this share of a part's rows has a label; None: never."""
        known = self.known[part][self.rows[LABEL][part].notna()].sort_values()
        wanted = int(np.ceil(share * (part.stop - part.start)))
        return known.iloc[wanted - 1].to_pydatetime() if wanted <= len(known) else None

    def months(self) -> list[date]:
        """First day of each month, by the instants to which labels belong."""
        return [stamp.date() for stamp in self._month.drop_duplicates().sort_values()]

    def roc_auc(self, scores: npt.NDArray[np.float64]) -> list[float]:
        """Of each month's labelled rows."""
        labelled = self.rows[LABEL].notna()
        places = [np.flatnonzero(labelled & (self._month == pd.Timestamp(month))) for month in self.months()]
        labels = self.rows[LABEL].to_numpy()
        return [metrics.roc_auc(labels[part].astype(np.int8), scores[part].astype(np.float32)) for part in places]

    @property
    def _month(self) -> pd.Series[pd.Timestamp]:
        return self.rows[LABEL_TIME].dt.tz_localize(None).dt.to_period("M").dt.to_timestamp()

    def labels(self, part: slice, moment: datetime) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int8]]:
        """Which rows of a part have their label at a moment, and those labels."""
        there = (self.rows[LABEL][part].notna() & (self.known[part] <= pd.Timestamp(moment))).to_numpy()
        return there, self.rows[LABEL][part].to_numpy()[there].astype(np.int8)
