"""scikit-learn pipelines, operator by operator and in the precision that scikit-learn computes each step in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.fast_form.ensemble import UnknownModelError
from components.fast_form.forests import FORESTS, boosting_output, forest_output
from components.fast_form.graph import Graph


@dataclass(frozen=True)
class _Values:
    """A tensor [rows, columns]."""

    name: str
    columns: int
    dtype: type[np.generic]


def estimator_graph(estimator: Any, features: int) -> Graph:
    """The graph of a fitted estimator or pipeline. UnknownModelError names the step it cannot express."""
    graph = Graph(features)
    *steps, last = [step for _, step in estimator.steps] if hasattr(estimator, "steps") else [estimator]
    values = _Values(graph.rows, features, np.float32)
    for step in steps:
        values = _transformed(graph, values, step)
    return graph.ending(_predicted(graph, values, last))


def _predicted(graph: Graph, values: _Values, model: Any) -> str:
    kind = type(model).__name__
    if kind.startswith(FORESTS):
        return forest_output(graph, values.name, model)
    if kind.startswith("HistGradientBoosting"):
        return boosting_output(graph, values.name, model)
    if kind in ("LogisticRegression", "LinearRegression", "Ridge"):
        return _linear(graph, values, model)
    raise UnknownModelError(f"the model is a {kind}")


def _linear(graph: Graph, values: _Values, model: Any) -> str:
    weights = graph.constant(np.atleast_2d(model.coef_).T, np.float64)
    sums = graph.add("MatMul", graph.cast(values.name, np.float64), weights)
    sums = graph.add("Add", sums, graph.constant(np.atleast_1d(model.intercept_), np.float64))
    if not hasattr(model, "classes_"):
        return graph.cast(sums, np.float32)
    if len(model.classes_) == 2:
        return graph.cast(graph.both_classes(graph.add("Sigmoid", sums), np.float64), np.float32)
    if model.solver == "liblinear":
        raise UnknownModelError("the classes are told apart one against the rest")
    return graph.cast(graph.add("Softmax", sums, axis=1), np.float32)


def _transformed(graph: Graph, values: _Values, step: Any) -> _Values:
    kind = type(step).__name__
    if step == "passthrough" or (kind == "FunctionTransformer" and step.func is None):
        return values
    found = _STEPS.get(kind)
    if found is None:
        raise UnknownModelError(f"a step is a {kind}")
    return found(graph, values, step)


def _pipeline(graph: Graph, values: _Values, pipeline: Any) -> _Values:
    for _, step in pipeline.steps:
        values = _transformed(graph, values, step)
    return values


def _columns(graph: Graph, values: _Values, transformer: Any) -> _Values:
    parts = []
    for _, step, columns in transformer.transformers_:
        places = np.arange(values.columns)[columns]
        if step != "drop" and len(places):
            part = graph.add("Gather", values.name, graph.constant(places, np.int64), axis=1)
            parts.append(_transformed(graph, _Values(part, len(places), values.dtype), step))
    return _beside(graph, parts)


def _beside(graph: Graph, parts: list[_Values]) -> _Values:
    """Tensors side by side, in the widest of their types."""
    dtype = np.result_type(*(part.dtype for part in parts)).type
    names = [part.name if part.dtype is dtype else graph.cast(part.name, dtype) for part in parts]
    return _Values(graph.add("Concat", *names, axis=1), sum(part.columns for part in parts), dtype)


def _one_hot(graph: Graph, values: _Values, encoder: Any) -> _Values:
    """Each column beside itself, once a category, compared with all categories at once. NaN is one of its own."""
    joined = encoder.min_frequency is not None or encoder.max_categories is not None
    if encoder.handle_unknown != "ignore" or encoder.drop is not None or joined:
        raise UnknownModelError("one-hot encoding drops, joins or refuses categories")
    places = [place for place, categories in enumerate(encoder.categories_) for _ in categories]
    categories = np.concatenate(encoder.categories_).astype(values.dtype)
    spread = graph.add("Gather", values.name, graph.constant(places, np.int64), axis=1)
    same = graph.add("Equal", spread, graph.constant(np.nan_to_num(categories, nan=-1), values.dtype))
    if np.isnan(categories).any():
        missing = graph.add("And", graph.add("IsNaN", spread), graph.constant(np.isnan(categories), np.bool_))
        same = graph.add("Or", same, missing)
    return _Values(graph.cast(same, encoder.dtype), len(places), encoder.dtype)


def _imputed(graph: Graph, values: _Values, imputer: Any) -> _Values:
    if not np.isnan(imputer.missing_values) or np.isnan(imputer.statistics_).any():
        raise UnknownModelError("a column has nothing to fill it with")
    missing = graph.add("IsNaN", values.name)
    filling = graph.constant(imputer.statistics_, values.dtype)
    filled = _Values(graph.add("Where", missing, filling, values.name), values.columns, values.dtype)
    if imputer.indicator_ is None or not len(imputer.indicator_.features_):
        return filled
    told = imputer.indicator_.features_
    flags = graph.add("Gather", missing, graph.constant(told, np.int64), axis=1)
    return _beside(graph, [filled, _Values(graph.cast(flags, values.dtype), len(told), values.dtype)])


def _scaled(graph: Graph, values: _Values, scaler: Any) -> _Values:
    """Each step is computed in float64 and kept in the type of the values."""
    for operator, operand in (("Sub", scaler.mean_), ("Div", scaler.scale_)):
        if operand is not None:
            wide = graph.add(operator, graph.cast(values.name, np.float64), graph.constant(operand, np.float64))
            values = _Values(graph.cast(wide, values.dtype), values.columns, values.dtype)
    return values


_STEPS: dict[str, Callable[[Graph, _Values, Any], _Values]] = {
    "ColumnTransformer": _columns,
    "OneHotEncoder": _one_hot,
    "Pipeline": _pipeline,
    "SimpleImputer": _imputed,
    "StandardScaler": _scaled,
}
