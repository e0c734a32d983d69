"""Trees as ONNX's TreeEnsemble (ai.onnx.ml 5): one operator adds up the leaves that a row reaches, tree after tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

MODES = {"<=": 0, "<": 1, "in": 6}
"""How a split compares, as the operator numbers it."""
ONNX_OPSET, ML_OPSET, IR_VERSION = 21, 5, 10
"""Versions of the format, fixed so that the same model is the same bytes whatever the onnx package writes by itself."""
MAX_NODES = 1_000_000
"""Of all trees. It takes some 8 s and 500 MB to write so many; more would weigh on the training step."""
_SUM = 1
_COMPARED = ("featureids", "modes", "splits")


class UnknownModelError(Exception):
    """The model has something that no fast form expresses; the text says what."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a row that ends here adds to one output."""

    output: int
    weight: float


@dataclass(frozen=True, slots=True)
class Split:
    """A question to a row: `yes` and `no` are places in the tree's list of nodes."""

    feature: int
    mode: Literal["<=", "<", "in"]
    value: float | Sequence[float]
    """The threshold, or for `in` the members."""
    yes: int
    no: int
    missing_yes: bool
    """Whether a missing value goes the way of `yes`."""


@dataclass
class Ensemble:
    """Trees, added one at a time; the first node of each is its root."""

    outputs: int
    dtype: type[np.float32] | type[np.float64]
    """Of the rows, the thresholds and the sums: that of the library which made the trees."""
    _attributes: dict[str, list[Any]] = field(
        default_factory=lambda: {
            **{name: [] for name in ("tree_roots", "leaf_targetids", "leaf_weights", "membership_values")},
            **{f"nodes_{name}": [] for name in ("featureids", "modes", "splits", "missing_value_tracks_true")},
            **{f"nodes_{name}": [] for name in ("truenodeids", "trueleafs", "falsenodeids", "falseleafs")},
        }
    )

    def add(self, tree: Sequence[Leaf | Split]) -> None:
        """One more tree. A sum begins with the first tree and ends with the last. UnknownModelError: too many nodes."""
        if isinstance(tree[0], Leaf):  # a root must ask something: both answers lead to the leaf
            tree = [Split(0, "<=", 0.0, 1, 1, False), tree[0]]
        splits = [place for place, node in enumerate(tree) if isinstance(node, Split)]
        leaves = [place for place, node in enumerate(tree) if isinstance(node, Leaf)]
        found = self._attributes
        if len(found["nodes_modes"]) + len(found["leaf_weights"]) + len(tree) > MAX_NODES:
            raise UnknownModelError(f"its trees have more than {MAX_NODES:,} nodes")
        first_split, first_leaf = len(found["nodes_modes"]), len(found["leaf_weights"])
        places = {place: (first_split + number, 0) for number, place in enumerate(splits)}
        places |= {place: (first_leaf + number, 1) for number, place in enumerate(leaves)}
        found["tree_roots"].append(first_split)
        for node in tree:
            if isinstance(node, Leaf):
                found["leaf_targetids"].append(node.output)
                found["leaf_weights"].append(node.weight)
            else:
                self._add_split(node, places)

    def _add_split(self, node: Split, places: dict[int, tuple[int, int]]) -> None:
        found = self._attributes
        found["nodes_featureids"].append(node.feature)
        found["nodes_modes"].append(MODES[node.mode])
        found["nodes_missing_value_tracks_true"].append(int(node.missing_yes))
        for answer, place in (("true", node.yes), ("false", node.no)):
            found[f"nodes_{answer}nodeids"].append(places[place][0])
            found[f"nodes_{answer}leafs"].append(places[place][1])
        if isinstance(node.value, Sequence):
            found["membership_values"] += [*node.value, np.nan]  # NaN ends the members of a split
            found["nodes_splits"].append(0.0)
        else:
            found["nodes_splits"].append(node.value)

    def thresholds(self) -> Iterator[tuple[int, float]]:
        """Every feature and number that are compared."""
        found = self._attributes
        for feature, mode, value in zip(*(found[f"nodes_{name}"] for name in _COMPARED), strict=True):
            if mode != MODES["in"]:
                yield feature, value

    @property
    def has_sets(self) -> bool:
        """Whether a split asks for one of several categories."""
        return bool(self._attributes["membership_values"])

    def operator(self, rows: str, sums: str) -> Any:
        """The operator, from a tensor [rows, features] to one [rows, outputs] of the same type."""
        from onnx import helper, numpy_helper

        found: dict[str, Any] = dict(self._attributes)
        tensors: dict[str, npt.NDArray[Any]] = {"nodes_modes": np.array(found.pop("nodes_modes"), np.uint8)}
        for name in ("nodes_splits", "leaf_weights", "membership_values"):
            tensors[name] = np.array(found.pop(name), self.dtype)
        if not len(tensors["membership_values"]):
            del tensors["membership_values"]
        found |= {name: numpy_helper.from_array(values, name) for name, values in tensors.items()}
        return helper.make_node(
            "TreeEnsemble",
            [rows],
            [sums],
            domain="ai.onnx.ml",
            n_targets=self.outputs,
            aggregate_function=_SUM,
            **found,
        )
