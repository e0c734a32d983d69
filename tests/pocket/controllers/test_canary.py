"""KServe's canary of the Knative mode, row by row, with real processes behind Envoy."""

from __future__ import annotations

from controllers_parts import Home, fetch, isvc, shares, wait_until, word


def split(status: dict[str, object]) -> list[tuple[str, int, str]]:
    """Revision's number, percent and tag of each share."""
    traffic = status["components"]["predictor"].get("traffic", [])  # type: ignore[index]
    return [(one["revisionName"][-1], one["percent"], one.get("tag", "")) for one in traffic]


def test_first(home: Home) -> None:
    """x"""
    home.apply(isvc("first", "one", percent=10))
    status = home.await_ready("InferenceService", "first")
    print(status)
    print(shares(status["url"], 20))
    home.apply(isvc("first", "two", percent=10))
    status = home.await_status("InferenceService", "first", lambda s: split(s) == [("2", 10, ""), ("1", 90, "prev")])
    print(shares(status["url"], 200))
    home.delete("InferenceService", "first")
    wait_until(lambda: not home.runs("first-predictor-00001"))
    print(home.logs())
    assert 0
