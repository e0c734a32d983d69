"""On which days a run trains, and on which it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from contracts.errors import ConfigError
from contracts.loop import LoopSpec


@dataclass(frozen=True)
class Days:
    """Training window [start, end), then the holdout [end, holdout_end)."""

    start: date
    end: date
    holdout_end: date

    @classmethod
    def of(cls, spec: LoopSpec, now: datetime) -> Days:
        """The newest days whose labels are known at `now` are the holdout; what is before, or a part, is trained on."""
        holdout_end = (now - timedelta(hours=spec.data.label_delay_hours)).date()
        end = holdout_end - timedelta(days=spec.retrain.holdout_days)
        if spec.retrain.training_days:
            return cls(end - timedelta(days=spec.retrain.training_days), end, holdout_end)
        if spec.retrain.history_start is None:
            raise ConfigError(
                f"Loop {spec.name} does not say on what days it trains.",
                "Set retrain.history_start, or retrain.training_days.",
            )
        return cls(spec.retrain.history_start, end, holdout_end)

    def hindrance(self, spec: LoopSpec) -> str:
        """Why nothing can be trained on them, in a sentence; empty if it can."""
        if (self.end - self.start).days > spec.train.validation_days:
            return ""
        return (
            f"There is too little to train on: [{self.start}, {self.end}) is not longer than "
            f"train.validation_days = {spec.train.validation_days}."
        )
