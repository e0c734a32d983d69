"""The parameters of a search space, as the libraries that are given them know them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from contracts.errors import ConfigError
from contracts.loop import TrainSpec

_OURS = {
    *("n_jobs", "random_state", "verbose", "verbosity", "warm_start", "callbacks", "kwargs", "device"),
    *("objective", "tree_method", "eval_metric", "early_stopping_rounds", "missing", "importance_type"),
    *("categorical_features", "enable_categorical", "feature_types", "feature_weights", "validate_parameters"),
}
"""What is not a space's to set, for a fit sets it or has no use for it."""
_XGBOOST_ALIASES = {"eta", "lambda", "alpha", "min_split_loss"}
_REFUSED = re.compile(r"Invalid Parameter format|for Parameter \w+ (exceed|should)")


def require_known(train: TrainSpec) -> None:
    """ConfigError if a kind of model does not know a parameter of its space."""
    for kind, params in train.space.items():
        known = allowed(kind)
        for name in params:
            if name not in known:
                raise ConfigError(
                    f"train.space.{kind} has a parameter {name!r}, which it does not know.",
                    f"Allowed: {', '.join(sorted(known))}.",
                )


def allowed(kind: str) -> set[str]:
    """Names of the parameters that a space may give a kind of model."""
    names = set(inspect.signature(_maker(kind)).parameters) - _OURS
    if kind == "xgboost":
        return names | _XGBOOST_ALIASES
    return names - {"max_iter"} if kind == "logistic_regression" else names


@contextmanager
def values_explained(kind: str, params: Mapping[str, object]) -> Iterator[None]:
    """Turn a library's refusal of a parameter's value into a ConfigError."""
    try:
        yield
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else ""
        if type(error).__name__ != "InvalidParameterError" and not _REFUSED.search(reason):
            raise
        raise ConfigError(f"train.space.{kind} cannot be {dict(params)}: {reason.rstrip('.')}.") from error


def _maker(kind: str) -> Any:
    if kind == "xgboost":
        from xgboost import XGBModel

        return XGBModel
    if kind == "logistic_regression":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression
    from sklearn import ensemble

    names = {"hist_gradient_boosting": "HistGradientBoostingClassifier", "random_forest": "RandomForestClassifier"}
    return getattr(ensemble, names[kind])
