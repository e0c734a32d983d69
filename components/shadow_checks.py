"""What is seen when logged rows are scored again by both registered models: does the canary answer as it was
registered, does it rank rows about as the stable model does, do labels say that it ranks them worse?

Different rows reach the two versions, so their logged scores cannot be ranked against each other; scored again, every
row tells of both. `alpha` is the chance with which a test may fail a canary that is as good as the stable version.
"""

from __future__ import annotations

import numpy as np

from components.arms import Check, Floats, Shadow
from components.auc_difference import auc_difference

MIN_AGREEMENT = 0.2
"""Rank correlation of both models' scores of the same rows: 0.4 to 0.7 in honest retrains, negative if inverted."""
MAX_STRAY = 1e-3
"""How far a logged score may lie from what the registered model gives for the logged row: other float arithmetic."""
MIN_CLASS_ROWS = 25
"""Labelled rows of each class before ranks are compared: fewer are not nearly normal."""
MIN_GROUPS = 5
"""Requests they came in: fewer tell too little of how alike the rows of one are."""


def faithfulness(shadow: Shadow, limit: float) -> Check:
    """What the canary answered is what its registered model gives: no chance is in it, so no alpha is spent."""
    rows = len(shadow.strayed)
    if not rows:
        return Check("faithfulness", "unknown", "None of the canary's rows could be scored again.", {})
    share = float(np.mean(shadow.strayed > MAX_STRAY))
    return Check(
        "faithfulness",
        "fail" if share > limit else "pass",
        f"{share:.2%} of the canary's {rows} answers are not what its registered model gives for the same row; "
        f"rollout.max_error_share = {limit}.",
        {"unfaithful_share": share, "rescored_rows": rows},
    )


def agreement(shadow: Shadow, alpha: float) -> Check:
    """Both models rank the same rows alike, if only roughly: what inverted or meaningless scores cannot do.

    Spearman's correlation with the bound of Fieller, Hartley and Pearson (Biometrika 1957).
    """
    count = len(shadow.canary)
    if count < 2 * MIN_CLASS_ROWS:
        return Check("agreement", "unknown", f"Only {count} rows were scored by both models.", {})
    from scipy.stats import norm

    correlation = _rank_correlation(shadow.canary, shadow.stable)
    inner = float(np.clip(correlation, -0.999999, 0.999999))
    high = float(np.tanh(np.arctanh(inner) + norm.isf(alpha) * np.sqrt(1.06 / (count - 3))))
    return Check(
        "agreement",
        "fail" if high < MIN_AGREEMENT else "pass",
        f"Both models' scores of the same {count} rows have the rank correlation {correlation:.2f}, "
        f"at most {high:.2f}; {MIN_AGREEMENT} is the least.",
        {"agreement": correlation, "agreement_high": high},
    )


def quality(shadow: Shadow, tolerance: float, alpha: float) -> Check:
    """Ranks labelled rows worse than the stable model: the whole band of the paired difference lies below."""
    there = shadow.labels >= 0
    labels = shadow.labels[there]
    positives, negatives = int(np.sum(labels == 1)), int(np.sum(labels == 0))
    if min(positives, negatives) < MIN_CLASS_ROWS:
        told = f"Too few labels have come: {positives} of one class, {negatives} of the other."
        return Check("quality", "unknown", told, {"labelled_rows": len(labels)})
    groups = shadow.groups[there]
    if len(np.unique(groups)) < MIN_GROUPS:
        return Check(
            "quality", "unknown", "The labelled rows came in too few requests.", {"labelled_rows": len(labels)}
        )
    from scipy.stats import t

    found = auc_difference(labels, shadow.canary[there], shadow.stable[there], groups)
    high = found.difference + float(t.isf(alpha, found.groups - 1)) * found.error
    return Check(
        "quality",
        "fail" if high < -tolerance else "pass",
        f"On {len(labels)} labelled rows of {found.groups} requests the canary has ROC AUC {found.first:.4f}, the "
        f"stable version {found.second:.4f}: a difference of {found.difference:+.4f}, at most {high:+.4f}; "
        f"gate.tolerance = {tolerance}.",
        {
            "labelled_rows": len(labels),
            "canary_roc_auc": found.first,
            "stable_roc_auc": found.second,
            "roc_auc_difference": found.difference,
            "roc_auc_difference_high": high,
        },
    )


def _rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's; 0 where one of them is constant and so ranks nothing."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)
