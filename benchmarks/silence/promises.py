"""What quiet means."""

from __future__ import annotations

from live.claim import Claim

from contracts.loop import LoopSpec
from silence.finding import Finding, windows_due


def claims(spec: LoopSpec, found: Finding) -> list[Claim]:
    """What must hold of a replay."""
    tally, due = found.tally, windows_due(spec, found.version, found.tally)
    accepted = [one.decision for one in found.judged if one.decision and one.decision.decision == "accepted"]
    return [
        Claim(
            f"{tally.requests:,} requests of {tally.rows:,} rows, {tally.failed:,} failed: none",
            tally.requests > 0 and not tally.failed,
        ),
        Claim(f"the event log has {found.rows_stored:,} of {tally.rows:,} rows", found.rows_stored == tally.rows),
        Claim(f"and {found.labels_stored:,} of {tally.labels:,} labels", found.labels_stored == tally.labels),
        Claim(
            f"{found.windows} windows of {spec.drift.window_rows:,} rows, {found.labelled_windows} with labels: "
            f"{due} of each",
            found.windows == found.labelled_windows == due,
        ),
        Claim(f"{len(found.judged)} decisions, {len(accepted)} of them to retrain: none", not accepted),
        Claim(f"{len(found.runs)} pipeline runs: none", not found.runs),
    ]
