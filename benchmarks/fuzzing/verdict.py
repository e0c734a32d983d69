"""What was found: answers by kind and status, faults with the bytes that caused them, memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from live.claim import Claim
from rich.table import Table

KEPT = 20
"""Faults of which the bytes are kept; one is enough to be mended."""


@dataclass(frozen=True)
class Fault:
    """A request that must not have had its answer."""

    case: str
    sent: bytes
    told: str


@dataclass
class Verdict:
    """Gathered while requests are sent."""

    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    faults_found: int = 0
    resident: list[int] = field(default_factory=list)
    """Bytes, of now and then."""

    def count(self, kind: str, status: object) -> None:
        """One more answer."""
        self.statuses.setdefault(kind, Counter())[str(status)] += 1

    def blame(self, case: str, sent: bytes, told: str) -> None:
        """One more fault."""
        self.faults_found += 1
        if len(self.faults) < KEPT:
            self.faults.append(Fault(case, sent, told))

    @property
    def growth(self) -> float:
        """Megabytes by which memory grew after the first fifth."""
        later = self.resident[len(self.resident) // 5 :]
        return (later[-1] - later[0]) / 2**20 if later else 0.0

    def table(self) -> Table:
        """A row a kind."""
        shown = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
        for name in ("kind", "answers", "by status"):
            shown.add_column(name)
        for kind, found in sorted(self.statuses.items()):
            by_status = ", ".join(f"{status}: {count:,}" for status, count in sorted(found.items()))
            shown.add_row(kind, f"{found.total():,}", by_status)
        return shown

    def claims(self, log: str, lives: bool, same: bool, growth_mb: float) -> list[Claim]:
        """What must hold."""
        wrong = [line for line in log.splitlines() if "ERROR" in line or "Traceback" in line or "CRITICAL" in line]
        first, last = (self.resident[at] / 2**20 for at in (len(self.resident) // 5, -1))
        return [
            Claim(f"{self.faults_found:,} answers that blame the server, or are none: none", not self.faults_found),
            Claim("the process lives and answers good requests as it did before, to the byte", lives and same),
            Claim(
                f"{first:.1f} MB after a fifth, {last:.1f} MB now: at most {growth_mb:g} more", self.growth <= growth_mb
            ),
            Claim(f"{len(wrong)} errors in its log: none", not wrong),
        ]


def keep(faults: list[Fault], folder: Path) -> None:
    """Write down what each fault needs to be seen again."""
    folder.mkdir(parents=True, exist_ok=True)
    for fault in faults:
        (folder / f"{fault.case.replace(':', '-')}.bin").write_bytes(fault.sent)
