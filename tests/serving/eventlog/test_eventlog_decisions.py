"""Decisions of the loop in the event log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from eventlog_parts import Place

from contracts.cloudevent import CloudEvent
from contracts.errors import DataError
from contracts.events import Retrain, Rollout, to_event
from serving.eventlog.decisions import keep

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def retrain(loop: str, reason: str) -> CloudEvent:
    """A decision of the trigger."""
    decided = Retrain(loop=loop, drift_id="1", episode="1-000001", at=NOW, decision="suppressed", reason=reason)
    return to_event(decided, "/driftloop/trigger")


def test_decisions_are_read_in_the_order_in_which_they_were_told(place: Place) -> None:
    """Each once, however often it was delivered; what was read before can be left out."""
    later = Rollout(loop=place.loop, version="2", step_percent=10, verdict="pass", decided_at=NOW, evidence={})
    for event, now in (
        (to_event(later, "/driftloop/rollout", time=NOW + timedelta(hours=1)), NOW),
        (retrain(place.loop, "cooldown"), NOW),
        (retrain(place.loop, "cooldown"), NOW + timedelta(minutes=1)),
    ):
        keep(place.store, place.settings.data_bucket, event, now)
    (first, told), (_, last) = place.log.decisions()
    assert (told["type"], last["type"]) == (Retrain.type(), Rollout.type())
    assert told == retrain(place.loop, "cooldown")
    assert [event for _, event in place.log.decisions(after=first)][-1] == last


def test_a_malformed_decision_is_refused(place: Place) -> None:
    """It goes to the dead letters, not among the decisions."""
    broken = CloudEvent({"id": "1", "source": "/x", "type": Retrain.type()}, b'{"loop": "trips"}', "application/json")
    with pytest.raises(DataError, match="drift_id"):
        keep(place.store, place.settings.data_bucket, broken, NOW)
    assert place.log.decisions() == []
