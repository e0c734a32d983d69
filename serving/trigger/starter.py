"""From a claim to its run, exactly one, whenever the process that claimed is killed.

The API keeps no key by which a second request for the same run would be told from the first. So a run is asked for
only by who holds the newest attempt at its claim, once, and soon after taking it. A claim whose run is not known was
left by a process that died, or by a request whose answer was lost: the request may still be under way. It is waited
out; if no run of the name has appeared by then, a further attempt is taken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from contracts.errors import UnavailableError
from contracts.loop import LoopSpec
from serving.trigger.claims import Claim, Claims, Held
from serving.trigger.runs import Runs

SOON_SECONDS = 5
"""A process that was held up for longer between taking an attempt and asking leaves it to the next attempt."""
PATIENCE = 10
"""So many times longer is waited, at most, for a run that has been asked for in vain."""

_log = logging.getLogger(__name__)


class Starter:
    """Makes runs of claims."""

    def __init__(
        self,
        runs: Runs,
        specs: Mapping[str, LoopSpec],
        code_version: str,
        owner: str,
        settle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runs, self._specs, self._code_version, self._owner = runs, specs, code_version, owner
        self._settle_seconds, self._clock = settle_seconds, clock
        self._seen: dict[tuple[str, int, int], float] = {}

    def begin(self, claims: Claims, claim: Claim) -> bool:
        """Take a claim and make its run; False, and no run, if the claim's number is taken already."""
        experiment = self._runs.experiment(claim.loop)
        begun = self._clock()
        if not claims.take(claim):
            return False
        self._ask(claims, claim, experiment, begun)
        return True

    def resume(self, claims: Claims, held: Held) -> bool:
        """Find or make the run of a claim that is not settled; whether it is settled now."""
        if (run := self._runs.find(held.claim.run)) is not None:
            claims.settle(held.claim, run.id)
            return True
        begun = self._clock()
        seen = self._seen.setdefault((held.claim.loop, held.claim.number, held.attempts), begun)
        if begun - seen < self._settle_seconds * min(held.attempts, PATIENCE):
            return False
        experiment, begun = self._runs.experiment(held.claim.loop), self._clock()
        if not claims.attempt(held, self._owner):
            return False
        _log.warning("run %s was claimed but not made: attempt %d", held.claim.run, held.attempts + 1)
        self._ask(claims, held.claim, experiment, begun)
        return True

    def _ask(self, claims: Claims, claim: Claim, experiment: str, begun: float) -> None:
        if self._clock() - begun > SOON_SECONDS:
            raise UnavailableError(f"The attempt at run {claim.run} took too long to be taken.", "Send it again.")
        run_id = self._runs.create(experiment, claim.run, self._arguments(claim))
        _log.info("run %s (%s): %s", claim.run, run_id, claim.reason)
        claims.settle(claim, run_id)

    def _arguments(self, claim: Claim) -> dict[str, str]:
        return {
            "spec": self._specs[claim.loop].to_json(),
            "start": claim.start.isoformat(),
            "end": claim.end.isoformat(),
            "holdout_end": claim.holdout_end.isoformat(),
            "rollout": "canary",
            "refit": "yes",
            "code_version": self._code_version,
            "data_version": claim.run,
        }
