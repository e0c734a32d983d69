"""What is compared, and how much better the predictor has to be."""

from __future__ import annotations

from dataclasses import dataclass

from servers import contenders, forms

RPS, P99, SECONDS, MIB = "rps", "p99_ms", "seconds", "mib"
"""Figures by the name they have in the JSON: answers a second, milliseconds, seconds from start to ready, memory."""


@dataclass(frozen=True)
class Target:
    """What the ratio to the yardstick must be, and what is aimed at."""

    value: float
    aim: float | None = None
    is_most: bool = False
    """Whether the ratio must be at most the value: of what should be small."""

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is good enough."""
        return ratio <= self.value if self.is_most else ratio >= self.value

    def __str__(self) -> str:
        aim = "" if self.aim is None else f" ({self.aim:.3g})"
        return f"{'≤' if self.is_most else '≥'} {self.value:.3g}{aim}"


@dataclass(frozen=True)
class Round:
    """One load, under which every contender comes in turn."""

    kind: str
    form: str
    rows: int
    clients: int = 8
    times: int = 1
    """As many repetitions as others have: a ratio that is near 1 takes more of them to be told from noise."""


@dataclass(frozen=True)
class Case:
    """One line of the table. Without a round nothing is asked: servers are started, or weighed."""

    name: str
    text: str
    target: Target
    round: Round | None = None
    figure: str = RPS
    ours: str = contenders.OURS
    yardstick: str = contenders.KSERVE

    @property
    def contenders(self) -> tuple[str, ...]:
        """Who takes part, ours first."""
        if self.yardstick not in contenders.PEER_NAMES:
            return (self.ours, self.yardstick)
        return (self.ours, *contenders.PEER_NAMES)


_ONE = Round("xgboost", forms.JSON, 1)
_PAIR = Round("xgboost", forms.JSON, 1, times=4)
_MANY = Round("xgboost", forms.JSON, 1024)
_LONE = Round("xgboost", forms.JSON, 1, clients=1)

CASES = (
    Case("json-1", "XGBoost, JSON, 1 row", Target(15, 30), _ONE),
    Case("json-1-native", "the same, to the last bit", Target(6, 10), _ONE, ours=contenders.NATIVE),
    Case("payload-log", "XGBoost, JSON, 1 row, payload log on : off", Target(0.9), _PAIR, yardstick=contenders.QUIET),
    Case("p99", "XGBoost, JSON, 1 row, 1 client", Target(1 / 3, 1 / 8, is_most=True), _LONE, P99),
    Case("json-1024", "XGBoost, JSON, 1024 rows", Target(2.5, 4), _MANY),
    Case("binary-1024", "XGBoost, binary, 1024 rows", Target(5, 8), Round("xgboost", forms.BINARY, 1024)),
    Case("grpc-1", "XGBoost, gRPC, 1 row", Target(2, 4), Round("xgboost", forms.GRPC, 1)),
    Case("grpc-1024", "XGBoost, gRPC, 1024 rows", Target(1.3, 1.5), Round("xgboost", forms.GRPC, 1024)),
    Case("forest-1", "random forest, JSON, 1 row", Target(60), Round("random_forest", forms.JSON, 1)),
    Case("logistic-1", "logistic regression, JSON, 1 row", Target(15), Round("logistic_regression", forms.JSON, 1)),
    Case("memory", "resident after that load", Target(1 / 2, 1 / 3, is_most=True), figure=MIB),
    Case("start", "from start to ready", Target(1 / 3, 1 / 6, is_most=True), figure=SECONDS),
)
WEIGHED_AFTER = (_ONE, _MANY)
"""Memory is read once these have been asked: servers reserve as they go."""
