"""The fast form of a model, read and run: ONNX Runtime on the processor. What is verified is what serves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from contracts.errors import IntegrityError

ROWS, OUTPUT = "rows", "probabilities"
"""Names of its only input, float32 [rows, features], and its only output, float32 [rows, outputs]."""
NEAR_TIE = 1e-6
"""How far a fast form may be from its model. Where two labels are no further apart, only the model itself decides."""


class FastModel:
    """An ONNX model. Safe to call from several threads.

    It computes with one thread, so that the trees' sums are added in the one order that was verified.
    """

    def __init__(self, body: bytes) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as failures

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # it would keep the memory of the largest request for good
        options.enable_mem_pattern = False  # and this a plan for every number of rows that was ever asked
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
        except (failures.Fail, failures.InvalidProtobuf, failures.InvalidGraph, failures.NotImplemented) as error:
            raise IntegrityError(f"The fast form cannot be read: {str(error).splitlines()[0]}") from error
        self._run, self._names = self._session.run, [OUTPUT]
        self.features: int = self._session.get_inputs()[0].shape[1]
        self.outputs: int = self._session.get_outputs()[0].shape[1]

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Probabilities or values, float32 [rows, outputs], of a matrix [rows, features]."""
        found: npt.NDArray[np.float32] = self._run(self._names, {ROWS: matrix})[0]
        return found


def runtime() -> str:
    """What runs it here, with its version."""
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__}"
