"""An ONNX graph from a matrix of rows to their probabilities or values, written one operator at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.fast_form.ensemble import IR_VERSION, ML_OPSET, ONNX_OPSET, Ensemble
from contracts.fast import OUTPUT, ROWS


class Graph:
    """Operators in the order in which they run. Names are counted, so the same steps give the same bytes."""

    def __init__(self, features: int) -> None:
        self.rows = ROWS
        self.thresholds: dict[int, set[float]] = {}
        """Of each feature, the numbers that trees compare it with."""
        self.native_above: int | None = None
        self._features = features
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One more operator; the name of what it gives."""
        from onnx import helper

        name = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def trees(self, ensemble: Ensemble, rows: str) -> str:
        """One more operator, of trees."""
        name = f"sums_{len(self._nodes)}"
        self._nodes.append(ensemble.operator(rows, name))
        for feature, value in ensemble.thresholds():
            self.thresholds.setdefault(feature, set()).add(value)
        return name

    def constant(self, value: Any, dtype: Any) -> str:
        """A number or an array; its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def cast(self, values: str, dtype: type[np.generic]) -> str:
        """The values in another type."""
        from onnx import helper

        return self.add("Cast", values, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def both_classes(self, positive: str, dtype: type[np.generic] = np.float32) -> str:
        """[rows, 2] of the second class' probability [rows, 1]."""
        negative = self.add("Sub", self.constant(1, dtype), positive)
        return self.add("Concat", negative, positive, axis=1)

    def ending(self, output: str) -> Graph:
        """The graph, whose answer is this."""
        self._nodes[-1].output[:] = [OUTPUT if name == output else name for name in self._nodes[-1].output]
        return self

    def to_bytes(self, outputs: int) -> bytes:
        """The ONNX file."""
        from onnx import TensorProto, helper

        rows = helper.make_tensor_value_info(ROWS, TensorProto.FLOAT, [None, self._features])
        answer = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, outputs])
        graph = helper.make_graph(self._nodes, "fast_form", [rows], [answer], self._constants)
        opsets = [helper.make_opsetid("", ONNX_OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="driftloop")
        body: bytes = model.SerializeToString(deterministic=True)
        return body
