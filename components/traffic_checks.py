"""What the answers of both versions tell by themselves: their errors, their times, the distribution of their scores.

`alpha` is the chance with which a test may fail a canary that is as good as the stable version.
"""

from __future__ import annotations

import numpy as np

from components.arms import Arm, Check, Floats, Verdict


def errors(canary: Arm, stable: Arm, limit: float, alpha: float) -> Check:
    """More errors than the stable version: Fisher's exact test, and the share itself beyond the limit.

    The test asks whether there are more errors at all, not whether there are more by the limit: errors are so rare that
    the latter would take thousands of rows, and an error is never right.
    """
    from scipy.stats import hypergeom

    counts = [int(arm.failed.sum()) for arm in (canary, stable)]
    sizes = [len(arm.failed) for arm in (canary, stable)]
    shares = [count / size if size else 0.0 for count, size in zip(counts, sizes, strict=True)]
    chance = float(hypergeom.sf(counts[0] - 1, sum(sizes), sum(counts), sizes[0])) if all(sizes) else 1.0
    bad = shares[0] - shares[1] > limit and chance < alpha
    told = f"{shares[0]:.2%} of the canary's {sizes[0]} requests failed, {shares[1]:.2%} of the stable version's"
    verdict: Verdict = "fail" if bad else "pass" if all(sizes) else "unknown"
    return Check(
        "errors",
        verdict,
        f"{told} {sizes[1]}; rollout.max_error_share = {limit}.",
        {
            "canary_requests": sizes[0],
            "stable_requests": sizes[1],
            "canary_error_share": shares[0],
            "stable_error_share": shares[1],
            "error_chance": chance,
        },
    )


def latency(canary: Arm, stable: Arm, limit: float, alpha: float) -> Check:
    """Slower than the stable version by more than the limit.

    The stable version's times are stretched by the limit and the canary's ranked against them (Mann and Whitney): ranks
    do not mind the few long times of a cold start, nor the shape of the distribution.
    """
    times = [arm.seconds[~arm.failed] for arm in (canary, stable)]
    if not (len(times[0]) and len(times[1])):
        return Check("latency", "unknown", "There are no answers of both versions to time.", {})
    from scipy.stats import mannwhitneyu

    medians = [float(np.median(part)) for part in times]
    test = mannwhitneyu(times[0], times[1] * limit, alternative="greater", method="asymptotic")
    chance = 1.0 if np.isnan(test.pvalue) else float(test.pvalue)
    ratio = medians[0] / medians[1] if medians[1] > 0 else 1.0
    bad = ratio > limit and chance < alpha
    return Check(
        "latency",
        "fail" if bad else "pass",
        f"The canary's median request took {medians[0] * 1000:.3g} ms, the stable version's "
        f"{medians[1] * 1000:.3g} ms: a ratio of {ratio:.2f}; rollout.max_latency_ratio = {limit}.",
        {
            "canary_median_seconds": medians[0],
            "stable_median_seconds": medians[1],
            "latency_ratio": ratio,
            "latency_chance": chance,
        },
    )


def score_distance(canary: Floats, stable: Floats, limit: float, alpha: float) -> Check:
    """Scores distributed otherwise by more than the limit: the whole band of the distance lies beyond it.

    The band is that of Dvoretzky, Kiefer, Wolfowitz and Massart, one for each arm, half of alpha each.
    """
    sizes = [len(canary), len(stable)]
    if not all(sizes):
        return Check("score_distance", "unknown", "There are no scores of both versions to compare.", {})
    from scipy.stats import ks_2samp

    distance = float(ks_2samp(canary, stable, method="asymp").statistic)
    low = max(0.0, distance - sum(np.sqrt(np.log(4 / alpha) / (2 * size)) for size in sizes))
    return Check(
        "score_distance",
        "fail" if low > limit else "pass",
        f"The distance between the scores is {distance:.3f}, at least {low:.3f}; rollout.max_score_distance = {limit}.",
        {"score_distance": distance, "score_distance_low": low},
    )
