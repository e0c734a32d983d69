"""What must hold after all the kills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from kills.small_loop import MIN_LABELLED_SHARE, WINDOW_ROWS
from kills.stored import Stored, Version
from kills.tally import Tally
from kills.training import Ended
from kills.victims import Killed


@dataclass(frozen=True)
class Case:
    """One run of the benchmark."""

    tally: Tally
    stored: Stored
    killed: Sequence[Killed]
    trained: Sequence[Ended]
    open_runs: Sequence[str]
    """MLflow runs that say they are in progress still."""


@dataclass(frozen=True)
class Claim:
    """A sentence, what it is about in figures, and whether it holds."""

    text: str
    figures: str
    holds: bool


def claims(case: Case) -> list[Claim]:
    """Every promise."""
    return [*_of_rows(case.tally, case.stored), *_of_windows(case.tally, case.stored), *_of_processes(case)]


def is_whole(tally: Tally, stored: Stored) -> bool:
    """Whether everything that is due has come."""
    return all(claim.holds for claim in (*_of_rows(tally, stored), *_of_windows(tally, stored)))


def _of_rows(tally: Tally, stored: Stored) -> list[Claim]:
    rows, labels = set(stored.rows), stored.labels
    unasked = len(rows - tally.attempted)
    return [
        Claim("Every request and every event was accepted in the end", _gave_up(tally), not tally.given_up),
        Claim(
            "Rows answered with 200 are the rows stored",
            f"{len(tally.rows):,} answered, {len(rows):,} stored, {len(tally.rows - rows):,} lost",
            tally.rows <= rows and not unasked,
        ),
        Claim(
            "No reader sees a row twice",
            f"{sum(version.objects_rows for version in stored.versions.values()) - len(rows):,} came twice,"
            f" {len(stored.rows) - len(rows):,} seen twice",
            len(stored.rows) == len(rows),
        ),
        Claim(
            "Labels accepted are the labels stored",
            f"{len(tally.labels):,} accepted, {len(labels):,} stored, {len(tally.labels - labels):,} lost",
            tally.labels <= labels and labels <= tally.attempted,
        ),
    ]


def _of_windows(tally: Tally, stored: Stored) -> list[Claim]:
    versions = stored.versions.values()
    due = sum(_may_have_labels(ids, tally) for version in versions for ids in version.windowed)
    windows = sum(len(version.numbers) for version in versions)
    labelled, untold = sum(version.labelled for version in versions), sum(version.untold for version in versions)
    unjudged, undecided = len(stored.windows - stored.judged), len(stored.drifts - stored.decided)
    return [
        Claim("No window is missing, and each is full", f"{windows} windows", all(map(_are_whole, versions))),
        Claim("No row is in two windows", "", all(map(_are_disjoint, versions))),
        Claim("Each window of which labels enough are known got them", f"{labelled} of {due}", labelled == due),
        Claim("Each window was told, with its labels once more", f"{untold} untold", not untold),
        Claim("Each window that was told has its drift event", f"{unjudged} without", not unjudged),
        Claim("Each drift event has its decision", f"{undecided} without", not undecided),
        Claim("Nothing became a dead letter", f"{sum(stored.dead.values())}", not stored.dead),
    ]


def _of_processes(case: Case) -> list[Claim]:
    failed = [f"{kill.what}: {kill.failure}" for kill in case.killed if kill.failure]
    wrong = [run.what for run in case.trained if not run.holds]
    return [
        Claim("What was killed came back as documented", "; ".join(failed) or f"{len(case.killed)} kills", not failed),
        Claim(
            "A training run that was killed ended, and said how; the next went well",
            ", ".join(wrong) or f"{len(case.trained)} runs",
            not wrong,
        ),
        Claim("No run in MLflow is left open", f"{len(case.open_runs)}", not case.open_runs),
    ]


def _gave_up(tally: Tally) -> str:
    return "; ".join(tally.given_up[:3]) or f"{sum(felt.requests for felt in tally.felt.values()):,} requests"


def _may_have_labels(ids: Sequence[str], tally: Tally) -> bool:
    """Of cancelled flights, and so of most rows on a day of snow, no outcome is ever known."""
    return sum(row in tally.labels for row in ids) >= MIN_LABELLED_SHARE * len(ids)


def _are_whole(version: Version) -> bool:
    count = len(version.rows) // WINDOW_ROWS
    return version.numbers == list(range(count)) and all(len(ids) == WINDOW_ROWS for ids in version.windowed)


def _are_disjoint(version: Version) -> bool:
    ids = list(chain.from_iterable(version.windowed))
    return len(ids) == len(set(ids)) and set(ids) <= set(version.rows)
