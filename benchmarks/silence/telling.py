"""What was found as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from live.claim import Claim
from rich.table import Table

from contracts.errors import disk_room
from silence.finding import Finding, Judged


def table(found: Finding) -> Table:
    """A row a verdict: of each window two."""
    shown = Table(title="Windows", title_justify="left", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("window", "until", "labels", "verdict", "features drifted", "ROC AUC (expected)", "decision"):
        shown.add_column(name)
    for one in found.judged:
        shown.add_row(*_row(one))
    return shown


def write(path: Path, found: Finding, claims: Sequence[Claim]) -> None:
    """Everything, for programs."""
    body = {
        "tally": asdict(found.tally),
        "rows_stored": found.rows_stored,
        "labels_stored": found.labels_stored,
        "windows": found.windows,
        "labelled_windows": found.labelled_windows,
        "judged": [
            {
                "drift": one.drift.model_dump(mode="json", exclude={"features", "scores"}),
                "drifted": _drifted(one),
                "decision": one.decision.model_dump(mode="json") if one.decision else None,
            }
            for one in found.judged
        ],
        "runs": found.runs,
        "claims": [asdict(claim) for claim in claims],
    }
    with disk_room(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(body, indent=1) + "\n")


def _row(one: Judged) -> tuple[str, ...]:
    worth = one.drift.performance
    area = f"{worth.value:.3f} in [{worth.low:.3f}, {worth.high:.3f}] ({worth.expected:.3f})" if worth else ""
    said = f"{one.decision.decision}: {one.decision.reason}" if one.decision else "none yet"
    verdict = f"{one.drift.verdict} {' '.join(one.drift.reasons)}".strip()
    until, labels = f"{one.drift.end:%Y-%m-%d %H:%M}", "yes" if worth else "no"
    return one.name, until, labels, verdict, ", ".join(_drifted(one)) or "none", area, said


def _drifted(one: Judged) -> list[str]:
    return sorted({test.feature for test in one.drift.features if test.drifted})
