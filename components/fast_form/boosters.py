"""XGBoost's trees as an ensemble: the same comparisons and the same sums, in float32 and in the same order."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from components.fast_form.ensemble import Ensemble, Leaf, Split, UnknownModelError
from components.fast_form.graph import Graph

LOGISTIC = ("binary:logistic", "reg:logistic")
SOFTMAX = ("multi:softprob",)
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie")
NATIVE_ABOVE, NATIVE_ABOVE_WITH_SETS = 32, 8
"""Rows above which XGBoost's own library was seen to be faster (10 to 1000 trees): its calls cost more, its rows less.

Fixed, not measured at each start: replicas answer a request by the same engine, and so with the same bits.
"""
IDENTITY = ("reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror")


def booster_graph(booster: Any) -> Graph:
    """The graph of an xgboost.Booster of trees. UnknownModelError names what it cannot express."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    objective, sizes = learner["objective"]["name"], learner["learner_model_param"]
    grown = learner["gradient_booster"]
    if grown["name"] != "gbtree":
        raise UnknownModelError(f"the booster is a {grown['name']}")
    if int(sizes["num_target"]) > 1:
        raise UnknownModelError(f"the booster has {sizes['num_target']} targets")
    outputs = max(1, int(sizes["num_class"]))
    ensemble = Ensemble(outputs, np.float32)
    # XGBoost adds the trees to the base score, so this comes first: another order would round otherwise.
    for output, base in enumerate(_bases(sizes["base_score"], objective, outputs)):
        ensemble.add([Leaf(output, base)])
    for tree, output in zip(grown["model"]["trees"], grown["model"]["tree_info"], strict=True):
        ensemble.add(_nodes(tree, output))
    graph = _finished(Graph(int(sizes["num_feature"])), ensemble, objective)
    graph.native_above = max(1, (NATIVE_ABOVE_WITH_SETS if ensemble.has_sets else NATIVE_ABOVE) // outputs)
    return graph


def _finished(graph: Graph, ensemble: Ensemble, objective: str) -> Graph:
    sums = graph.trees(ensemble, graph.rows)
    if objective in LOGISTIC:
        positive = graph.add("Sigmoid", sums)
        if objective == "reg:logistic":
            return graph.ending(positive)
        return graph.ending(graph.both_classes(positive))
    if objective in SOFTMAX:
        return graph.ending(graph.add("Softmax", sums, axis=1))
    if objective in EXPONENTIAL:
        return graph.ending(graph.add("Exp", sums))
    if objective in IDENTITY:
        return graph.ending(sums)
    raise UnknownModelError(f"the objective is {objective}")


def _bases(written: str, objective: str, outputs: int) -> list[float]:
    """The base score of each output, as it is added: XGBoost writes it as it answers."""
    scores = [float(np.float32(part)) for part in written.strip("[]").split(",")]
    if objective in LOGISTIC:
        scores = [-math.log(float(np.float32(1) / np.float32(score) - np.float32(1))) for score in scores]
    elif objective in EXPONENTIAL:
        scores = [math.log(score) for score in scores]
    return scores * outputs if len(scores) == 1 else scores


def _nodes(tree: dict[str, Any], output: int) -> Sequence[Leaf | Split]:
    members = _members(tree)
    return [_node(tree, place, output, members) for place in range(len(tree["left_children"]))]


def _node(tree: dict[str, Any], place: int, output: int, members: dict[int, list[float]]) -> Leaf | Split:
    left, right, value = (tree[key][place] for key in ("left_children", "right_children", "split_conditions"))
    if left == -1:
        return Leaf(output, value)
    feature, missing_left = tree["split_indices"][place], bool(tree["default_left"][place])
    if place in members:  # a category of the set goes right; any other, seen or not, goes left
        return Split(feature, "in", members[place], right, left, not missing_left)
    return Split(feature, "<", value, left, right, missing_left)


def _members(tree: dict[str, Any]) -> dict[int, list[float]]:
    """Of each split by category, the categories that go right."""
    segments = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    return {node: [float(code) for code in tree["categories"][start : start + size]] for node, start, size in segments}
