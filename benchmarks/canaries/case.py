"""The versions that are rolled out: how each is made, what its container does, and where it must end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.plan import Trial

Container = Literal["", "errors", "slow", "hangs"]


@dataclass(frozen=True)
class Case:
    """One version."""

    name: str
    what: str
    """In a few words."""
    trial: Trial
    container: Container = ""
    """What its container does beside serving; see `container`."""
    is_inverted: bool = False
    """Whether the labels that it learns from are swapped; its card names the classes as always."""
    is_changed: bool = False
    """Whether a file of it is changed on S3 after it was registered."""
    said: str = ""
    """A part of the reason for which it must go back; empty: it must be promoted."""

    @property
    def is_good(self) -> bool:
        """Whether it must be promoted."""
        return not self.said

    @property
    def serves(self) -> bool:
        """Whether it ever gets ready, so that requests can reach it."""
        return self.container != "hangs" and not self.is_changed


def booster(number: int, depth: int, rate: float) -> Trial:
    """A recipe of the loop's own search space; another number, another model."""
    params: dict[str, float | int | str] = {"n_estimators": 200, "max_depth": depth, "learning_rate": rate}
    return Trial(number=number, kind="xgboost", params={**params, "subsample": 0.9, "colsample_bytree": 0.7})


CHAMPION = Case("champion", "the version that serves", booster(0, 5, 0.06))
CASES = (
    Case("errors", "fails 2 % of requests", booster(1, 4, 0.06), container="errors", said="requests failed"),
    Case("slow", "more than 5 times slower", booster(2, 5, 0.05), container="slow", said="median request took"),
    Case("inverted", "learned from swapped labels", booster(3, 4, 0.1), is_inverted=True, said="rank correlation"),
    Case("never starts", "its container hangs", booster(4, 6, 0.06), container="hangs", said="was not ready"),
    Case("wrong digest", "its file was changed on S3", booster(5, 6, 0.04), is_changed=True, said="its card says"),
    Case("good", "a little better than the champion, or as good", booster(6, 5, 0.04)),
)
"""In the order in which they are rolled out."""
