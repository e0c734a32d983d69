"""XGBoost's own library as an engine: bit for bit what xgboost.Booster.predict gives, at a third of its cost a row."""

from __future__ import annotations

import ctypes
import json
import weakref
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contracts.errors import IntegrityError
from contracts.formats import booster_bytes
from serving.predictor.engines.xgboost_library import LibraryError, call, check, library

_Matrix = npt.NDArray[np.float32]
# Values, not margins, of all trees; NaN is missing; [rows] for one output.
_ASKED = json.dumps(
    {
        "type": 0,
        "training": False,
        "iteration_begin": 0,
        "iteration_end": 0,
        "missing": float("nan"),
        "strict_shape": False,
        "cache_id": 0,
    }
).encode()


@dataclass(frozen=True)
class BoosterFacts:
    """What a booster says of itself."""

    objective: str
    booster: str
    """gbtree, dart or gblinear."""
    classes: int
    """0 for two classes and for a number."""
    targets: int
    features: int
    names: list[str]
    types: list[str]


class XGBoostEngine:
    """A booster in the library's memory. Safe to call from several threads; each call takes at most `threads`."""

    def __init__(self, path: Path, threads: int) -> None:
        handle = ctypes.c_void_p()
        call("XGBoosterCreate", None, 0, ctypes.byref(handle))
        self._handle = handle
        weakref.finalize(self, library().XGBoosterFree, handle).atexit = False  # a thread may still predict then
        body = booster_bytes(path)
        try:
            call("XGBoosterLoadModelFromBuffer", handle, body, len(body))
            call("XGBoosterSetParam", handle, b"nthread", str(threads).encode())
            self.facts = _facts(handle)
        except LibraryError as error:
            raise IntegrityError(f"{path.name} is not a readable XGBoost model: {error.what}") from error
        self._predict = library().XGBoosterPredictFromDense
        self._width = self.facts.classes or self.facts.targets
        self._two_classes = self.facts.objective == "binary:logistic"

    def probabilities(self, matrix: _Matrix) -> _Matrix:
        """See Classifier: probabilities [rows, classes], of a regression the values [rows, 1]."""
        scores = self._scores(matrix)
        if not self._two_classes:
            return scores
        both = np.empty((len(matrix), 2), dtype=np.float32)
        np.subtract(1, scores[:, 0], out=both[:, 0])
        both[:, 1] = scores[:, 0]
        return both

    def _scores(self, matrix: _Matrix) -> _Matrix:
        """[rows, width]. The library reads the matrix where it is and answers in memory of this thread."""
        matrix = np.ascontiguousarray(matrix, dtype=np.float32)
        if matrix.shape[1] != self.facts.features:  # it would read on beyond the last row
            raise ValueError(f"{matrix.shape[1]} columns; expected {self.facts.features}")
        rows = len(matrix)
        scores = np.empty((rows, self._width), dtype=np.float32)
        if not rows:
            return scores
        shape, dimensions, answer = ctypes.c_void_p(), ctypes.c_uint64(), ctypes.c_void_p()
        found = (ctypes.byref(shape), ctypes.byref(dimensions), ctypes.byref(answer))
        check(self._predict(self._handle, _described(matrix), _ASKED, None, *found))
        ctypes.memmove(scores.ctypes.data, answer, scores.nbytes)
        return scores


def _described(matrix: _Matrix) -> bytes:
    """NumPy's array interface in JSON."""
    place, (rows, width) = matrix.ctypes.data, matrix.shape
    return b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (place, rows, width)


def _facts(handle: ctypes.c_void_p) -> BoosterFacts:
    size, text, features = ctypes.c_uint64(), ctypes.c_char_p(), ctypes.c_uint64()
    call("XGBoosterSaveJsonConfig", handle, ctypes.byref(size), ctypes.byref(text))
    learner = json.loads(text.value or b"{}")["learner"]
    call("XGBoosterGetNumFeature", handle, ctypes.byref(features))
    sizes = learner["learner_model_param"]
    return BoosterFacts(
        objective=learner["objective"]["name"],
        booster=learner["gradient_booster"]["name"],
        classes=int(sizes["num_class"]),
        targets=int(sizes["num_target"]),
        features=features.value,
        names=_told(handle, b"feature_name"),
        types=_told(handle, b"feature_type"),
    )


def _told(handle: ctypes.c_void_p, field: bytes) -> list[str]:
    count, texts = ctypes.c_uint64(), ctypes.POINTER(ctypes.c_char_p)()
    call("XGBoosterGetStrFeatureInfo", handle, field, ctypes.byref(count), ctypes.byref(texts))
    return [(texts[place] or b"").decode() for place in range(count.value)]
