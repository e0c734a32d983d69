"""scikit-learn's trees as an ensemble, in float64 as scikit-learn computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.fast_form.ensemble import Ensemble, Leaf, Split, UnknownModelError
from components.fast_form.graph import Graph

FORESTS = ("DecisionTree", "RandomForest", "ExtraTrees")


def forest_output(graph: Graph, rows: str, forest: Any) -> str:
    """The mean of a forest's trees, or a single tree: probabilities, or values of a regression."""
    grown = list(getattr(forest, "estimators_", [forest]))
    classes = len(forest.classes_) if hasattr(forest, "classes_") else 1
    if forest.n_outputs_ > 1:
        raise UnknownModelError(f"it has {forest.n_outputs_} outputs")
    # A leaf adds to one output: of two classes the second is enough, of more each has the trees for itself.
    wanted = [classes - 1] if classes < 3 else list(range(classes))
    ensemble = Ensemble(len(wanted), np.float64)
    for output, place in enumerate(wanted):
        for one in grown:
            ensemble.add(_tree(one.tree_, place, output))
    sums = graph.trees(ensemble, graph.cast(graph.cast(rows, np.float32), np.float64))
    mean = graph.add("Div", sums, graph.constant(len(grown), np.float64))
    return graph.cast(graph.both_classes(mean, np.float64) if classes == 2 else mean, np.float32)


def _tree(tree: Any, place: int, output: int) -> Sequence[Leaf | Split]:
    left, right = tree.children_left.tolist(), tree.children_right.tolist()
    asked = zip(tree.feature.tolist(), tree.threshold.tolist(), tree.missing_go_to_left.tolist(), strict=True)
    weights = tree.value[:, 0, place].tolist()
    return [
        Leaf(output, weights[node])
        if left[node] == -1
        else Split(feature, "<=", threshold, left[node], right[node], bool(missing_left))
        for node, (feature, threshold, missing_left) in enumerate(asked)
    ]


def boosting_output(graph: Graph, rows: str, model: Any) -> str:
    """Histogram gradient boosting: its base line, then its trees, then the link of its loss."""
    outputs = model.n_trees_per_iteration_
    ensemble = Ensemble(outputs, np.float64)
    for output, base in enumerate(np.ravel(model._baseline_prediction).tolist()):
        ensemble.add([Leaf(output, base)])
    columns = _Columns(model)
    for iteration in model._predictors:
        for output, predictor in enumerate(iteration):
            ensemble.add(columns.tree(predictor, output))
    sums = graph.trees(ensemble, graph.cast(rows, np.float64))
    return graph.cast(_linked(graph, sums, model, outputs), np.float32)


def _linked(graph: Graph, sums: str, model: Any, outputs: int) -> str:
    loss = type(model._loss).__name__
    if loss == "HalfBinomialLoss":
        return graph.both_classes(graph.add("Sigmoid", sums), np.float64)
    if loss == "HalfMultinomialLoss":
        return graph.add("Softmax", sums, axis=1)
    if loss in ("HalfSquaredError", "AbsoluteError", "PinballLoss"):
        return graph.add("Identity", sums)
    if loss in ("HalfPoissonLoss", "HalfGammaLoss"):
        return graph.add("Exp", sums)
    raise UnknownModelError(f"its loss is {loss}")


class _Columns:
    """Which columns of the matrix the trees mean: categorical ones come first, in codes of their own."""

    def __init__(self, model: Any) -> None:
        categorical = model.is_categorical_
        self._places = list(range(model.n_features_in_))
        self._categories: list[list[float]] = []
        if categorical is not None:
            self._places = [*np.flatnonzero(categorical).tolist(), *np.flatnonzero(~categorical).tolist()]
            found = model._preprocessor.named_transformers_["encoder"].categories_
            self._categories = [[float(code) for code in codes if code == code] for codes in found]

    def tree(self, predictor: Any, output: int) -> Sequence[Leaf | Split]:
        nodes = [dict(zip(predictor.nodes.dtype.names, node, strict=True)) for node in predictor.nodes.tolist()]
        return [self._node(node, predictor.raw_left_cat_bitsets, output) for node in nodes]

    def _node(self, node: dict[str, Any], bitsets: Any, output: int) -> Leaf | Split:
        if node["is_leaf"]:
            return Leaf(output, node["value"])
        column, left, right = node["feature_idx"], node["left"], node["right"]
        place, missing_left = self._places[column], bool(node["missing_go_to_left"])
        if not node["is_categorical"]:
            return Split(place, "<=", node["num_threshold"], left, right, missing_left)
        bits = bitsets[node["bitset_idx"]]
        codes = self._categories[column]
        goes_left = [bool(int(bits[number // 32]) >> number % 32 & 1) for number in range(len(codes))]
        # A category that was never seen goes where a missing value goes: the set asked for leads the other way.
        members = [code for code, is_left in zip(codes, goes_left, strict=True) if is_left != missing_left]
        return Split(place, "in", members, *((right, left) if missing_left else (left, right)), False)
