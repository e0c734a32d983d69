"""Where a predictor is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.settings import Settings
from scripts.predictor_address import Predictor, predictor_of

SERVED = "http://flights.driftloop.example.com"


def test_an_ingress_is_asked_by_the_name_of_the_inference_service() -> None:
    """As KServe wants it of clients outside of the cluster."""
    found = Predictor.through("http://127.0.0.1:8080", SERVED)
    assert (found.url, found.headers) == ("http://127.0.0.1:8080", {"Host": "flights.driftloop.example.com"})


@pytest.mark.parametrize("served", ["", SERVED])
def test_what_is_served_there_has_no_other_name(served: str) -> None:
    """The address of the InferenceService itself, or of a predictor that no InferenceService has."""
    assert Predictor.through(SERVED, served) == Predictor(SERVED)
    assert Predictor(SERVED).headers == {}


def test_a_predictor_of_the_users_needs_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no Kubernetes API can be found, the address alone is used."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    settings = Settings.from_env({"DRIFTLOOP_PREDICTOR_URL": SERVED})
    assert predictor_of(settings, "flights") == Predictor(SERVED)
