"""analysis: a bad canary is caught within the rows of one step, a good one hardly ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.analysis import LOOKS, alpha_of, due, look
from components.arms import Arm, Shadow
from components.shadow_checks import agreement, faithfulness, quality
from components.traffic_checks import errors, latency, score_distance
from contracts.loop import RolloutSpec
from tests.components.rollout_arms import SPEC, TOLERANCE, Behaviour, arm, failing, rollout, shadow

SIMULATED = 100
DIFFERENT = Behaviour(error_share=0.005, slower=1.6, shifted=0.3)
"""Worse by less than each limit, and another model of the same data."""
LOOSE = SPEC.model_copy(update={"confidence": 0.95})


@pytest.mark.parametrize("behaviour", [Behaviour(), DIFFERENT], ids=["same", "different"])
def test_a_good_canary_passes_as_often_as_promised(behaviour: Behaviour) -> None:
    """Over all looks of all steps, no more false alarms than one less the confidence."""
    stable = Behaviour(error_share=behaviour.error_share)
    ends = [rollout(np.random.default_rng([1, seed]), behaviour, LOOSE, stable) for seed in range(SIMULATED)]
    assert sum(bool(failed) for failed in ends) <= (1 - LOOSE.confidence) * SIMULATED


@pytest.mark.parametrize(
    ("behaviour", "by", "power"),
    [
        (Behaviour(error_share=0.02), "errors", 0.85),
        (Behaviour(slower=5), "latency", 1),
        (Behaviour(inverted=True), "agreement", 1),
        (Behaviour(strayed=0.1), "faithfulness", 1),
        (Behaviour(noise=20), "agreement", 0.8),
    ],
    ids=["2 % errors", "5 times slower", "inverted scores", "not its own answers", "noise"],
)
def test_a_bad_canary_is_caught_in_its_first_step(behaviour: Behaviour, by: str, power: float) -> None:
    """Within `min_rows` at 10 % of the traffic, and by the test that is there for it."""
    count = 40
    ends = [rollout(np.random.default_rng([2, seed]), behaviour, steps=(10,)) for seed in range(count)]
    caught = [failed for failed in ends if by in {check.name for check in failed}]
    assert len(caught) >= power * count


def test_inverted_scores_need_no_skew() -> None:
    """Where inverted scores are distributed as the right ones, ranking the same rows still tells."""
    generator = np.random.default_rng(3)
    even = generator.uniform(size=500)
    arms = [Arm(500, np.full(500, 0.01), np.zeros(500, bool), scores) for scores in (1 - even, even)]
    scored = shadow(generator, 1000, 500, Behaviour(inverted=True))
    assert {check.name for check in failing(look(SPEC, arms[0], arms[1], scored, TOLERANCE))} == {
        "agreement",
        "quality",
    }


def test_a_model_that_labels_call_worse_fails() -> None:
    """A canary that ranks like a coin, where labels have come."""
    scored = shadow(np.random.default_rng(4), 3000, 300, Behaviour(noise=3))
    found = quality(scored, TOLERANCE, alpha_of(SPEC))
    assert found.verdict == "fail"
    assert found.evidence["canary_roc_auc"] < found.evidence["stable_roc_auc"]
    assert quality(scored, 0.5, alpha_of(SPEC)).verdict == "pass"


def test_no_data_is_no_success() -> None:
    """Nothing logged, nothing known, whichever the test."""
    empty = Arm(0, np.empty(0), np.empty(0, bool), np.empty(0))
    full = arm(np.random.default_rng(5), 500, Behaviour())
    for canary, stable in ((empty, empty), (empty, full), (full, empty)):
        assert {check.verdict for check in look(SPEC, canary, stable, None, TOLERANCE)} == {"unknown"}
    scored = shadow(np.random.default_rng(5), 10, 0, Behaviour())
    assert faithfulness(scored, 0.01).verdict == "unknown"
    assert agreement(scored, 0.01).verdict == "unknown"
    assert quality(scored, 0, 0.01).verdict == "unknown"


def test_rows_of_one_request_are_alike() -> None:
    """A day on which a good model happens to be worse, told by a few requests of many rows, is no proof."""
    generator, alarms = np.random.default_rng(9), {"alone": 0, "together": 0}
    together = np.repeat(np.arange(12), 80)
    for _ in range(SIMULATED):
        luck = np.repeat(generator.normal(0, 1, 12), 80)  # what the canary adds to late rows of a request
        labels = (generator.uniform(size=960) < 0.25).astype(np.int8)
        seen = labels + generator.normal(0, 1, 960)
        canary, stable = (
            seen + 0.4 * luck * labels + generator.normal(0, 0.3, 960),
            seen + generator.normal(0, 0.3, 960),
        )
        for name, groups in (("alone", np.arange(960)), ("together", together)):
            scored = Shadow(canary, stable, labels, groups, np.zeros(100))
            alarms[name] += quality(scored, TOLERANCE, alpha_of(SPEC)).verdict == "fail"
    assert alarms["together"] <= (1 - SPEC.confidence) * SIMULATED < alarms["alone"]


def test_few_requests_say_nothing_of_quality() -> None:
    """However many rows they have."""
    scored = shadow(np.random.default_rng(10), 2000, 300, Behaviour(inverted=True))
    assert quality(replace(scored, groups=np.arange(2000) // 500), TOLERANCE, alpha_of(SPEC)).verdict == "unknown"
    assert quality(replace(scored, groups=np.arange(2000) // 50), TOLERANCE, alpha_of(SPEC)).verdict == "fail"


def test_a_mixture_of_other_rows_is_no_distance() -> None:
    """The canary had the mornings, the stable version the nights: of the same rows both say the same."""
    generator = np.random.default_rng(11)
    arms = [
        Arm(500, np.full(500, 0.01), np.zeros(500, bool), found)
        for found in generator.uniform((0, 0.5), (0.5, 1), (500, 2)).T
    ]
    scored = shadow(generator, 1000, 500, Behaviour())
    assert not failing(look(SPEC, arms[0], arms[1], scored, TOLERANCE))
    assert "score_distance" in {check.name for check in failing(look(SPEC, arms[0], arms[1], None, TOLERANCE))}


def test_a_canary_that_only_fails() -> None:
    """Errors are counted although there is no score to compare and no answer to time."""
    broken = arm(np.random.default_rng(6), 125, Behaviour(error_share=1))
    stable = arm(np.random.default_rng(7), 1125, Behaviour())
    assert errors(broken, stable, 0.01, alpha_of(SPEC)).verdict == "fail"
    assert latency(broken, stable, 2, alpha_of(SPEC)).verdict == "unknown"
    assert score_distance(broken.scores, stable.scores, 0.25, alpha_of(SPEC)).verdict == "unknown"


def test_errors_below_the_limit_are_taken() -> None:
    """More errors than the stable version beyond any doubt, but fewer than the limit."""
    canary, stable = (np.zeros(20_000, bool) for _ in range(2))
    canary[:100] = True
    arms = [Arm(20_000, np.full(20_000, 0.01), failed, np.zeros(1)) for failed in (canary, stable)]
    found = errors(arms[0], arms[1], 0.01, alpha_of(SPEC))
    assert found.verdict == "pass"
    assert found.evidence["error_chance"] < alpha_of(SPEC)


def test_constant_scores_rank_nothing() -> None:
    """A model that answers every row alike does not agree with one that does not."""
    scored = shadow(np.random.default_rng(8), 1000, 100, Behaviour())
    scored.canary[:] = 0.2
    assert agreement(scored, alpha_of(SPEC)).verdict == "fail"


def test_looks_are_due_by_rows() -> None:
    """At quarters of min_rows, so that reading more often spends nothing; the parts are the whole."""
    assert [due(rows, 500) for rows in (0, 124, 125, 374, 375, 499, 500, 90_000)] == [0, 0, 1, 2, 3, 3, 4, 4]
    spec = RolloutSpec(steps=(5, 20, 50), confidence=0.9)
    assert alpha_of(spec) * 5 * 3 * LOOKS == pytest.approx(0.1)
