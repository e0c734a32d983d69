"""The two formats of our models and the only code that reads and writes them. Neither can run code when it is read.

xgboost-ubj: XGBoost's own binary JSON. sklearn-skops: a zip of arrays and a schema, each of its types allowed by name.
A third, mlflow-pyfunc, is read by the predictor alone, for it can run code.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from contracts.errors import IntegrityError
from contracts.model import ModelCard

if TYPE_CHECKING:
    import xgboost

TRUSTED_TYPES = (
    "functools.partial",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)
"""What a scikit-learn model may hold beyond skops' own safe types: trees and how they check their input."""

MODEL_FILES = {"xgboost-ubj": "model.ubj", "sklearn-skops": "model.skops"}
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class Classifier(Protocol):
    """A loaded model."""

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Class probabilities [rows, classes] of a matrix [rows, features]; of a regression, values [rows, 1]."""
        ...


def load(folder: Path, card: ModelCard, threads: int = 1) -> Classifier:
    """The model of a folder whose card was verified. IntegrityError if the file is not what its format says."""
    path = folder / card.model_file
    regression = card.task == "regression"
    if card.format == "xgboost-ubj":
        booster = BoosterRegressor if regression else BoosterClassifier
        return booster(_read_booster(path), _feature_types(card), threads)
    if card.format == "sklearn-skops":
        return read_estimator(path.read_bytes(), card)
    raise IntegrityError(f"A model in format {card.format} is loaded by a predictor only, for it can run code.")


def read_estimator(body: bytes, card: ModelCard) -> EstimatorClassifier:
    """The scikit-learn model in the bytes of its file."""
    estimator = _read_skops(body, card.model_file)
    return EstimatorRegressor(estimator) if card.task == "regression" else EstimatorClassifier(estimator)


def library_of(file_format: str) -> str:
    """The library that reads and writes a format here, with its version. Nothing is imported to tell it."""
    if file_format == "xgboost-ubj":
        return f"xgboost {_xgboost_version()}"
    name, package = ("mlflow", "mlflow-skinny") if file_format == "mlflow-pyfunc" else ("sklearn", "scikit-learn")
    return f"{name} {importlib.metadata.version(package)}"


def _xgboost_version() -> str:
    """Where the package itself has it from: its distribution has one of two names."""
    spec = importlib.util.find_spec("xgboost")
    if spec is None or spec.origin is None:
        raise IntegrityError("XGBoost is not installed.", "Use the environment the model was trained in.")
    return (Path(spec.origin).parent / "VERSION").read_text().strip()


def require_library(card: ModelCard) -> None:
    """IntegrityError if a model was written by another minor version of its library.

    It would load without a word and answer a little differently.
    """
    here = library_of(card.format)
    if card.library is not None and card.library.rpartition(".")[0] != here.rpartition(".")[0]:
        raise IntegrityError(
            f"{card.model_file} was written by {card.library}, here is {here}: it may answer otherwise.",
            "Serve it in the environment it was trained in, or train again.",
        )


class BoosterClassifier:
    """An XGBoost booster with objective binary:logistic or multi:softprob."""

    def __init__(self, booster: xgboost.Booster, feature_types: list[str], threads: int = 1) -> None:
        booster.set_param({"nthread": threads})
        self.booster = booster
        self.feature_types = feature_types

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See Classifier."""
        scores = self._scores(matrix)
        if scores.ndim == 2:
            return scores
        return np.stack([1 - scores, scores], axis=1)

    def _scores(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        import xgboost

        names = self.booster.feature_names  # a booster trained with names refuses rows without them
        rows = xgboost.DMatrix(matrix, feature_names=names, feature_types=self.feature_types, enable_categorical=True)
        return np.asarray(self.booster.predict(rows), dtype=np.float32)


class BoosterRegressor(BoosterClassifier):
    """An XGBoost booster that predicts one number."""

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See Classifier."""
        return self._scores(matrix).reshape(-1, 1)


class EstimatorClassifier:
    """A scikit-learn classifier over the float32 matrix."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See Classifier."""
        return np.asarray(self.estimator.predict_proba(matrix), dtype=np.float32)


class EstimatorRegressor(EstimatorClassifier):
    """A scikit-learn regressor of one number over the float32 matrix."""

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See Classifier."""
        return np.asarray(self.estimator.predict(matrix), dtype=np.float32).reshape(len(matrix), 1)


def skops_bytes(estimator: Any) -> bytes:
    """An estimator as skops bytes that depend on nothing but the estimator.

    skops names arrays after memory addresses and dates them now: they are renumbered in order of appearance.
    """
    import skops.io

    body = skops.io.dumps(estimator)
    _refuse_untrusted(body, "the model to save")
    return _canonical(body)


def _canonical(body: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as source:
        numbers: dict[int, int] = {}
        schema = _renumbered(json.loads(source.read("schema.json")), numbers)
        names = {f"{old}.npy": f"{new}.npy" for old, new in numbers.items()}
        arrays = {names.get(name, name): source.read(name) for name in source.namelist() if name != "schema.json"}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            archive.writestr(_entry(name), arrays[name])
        archive.writestr(_entry("schema.json"), json.dumps(schema, indent=2))
    return target.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _ZIP_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _renumbered(node: Any, numbers: dict[int, int]) -> Any:
    if isinstance(node, list):
        return [_renumbered(item, numbers) for item in node]
    if not isinstance(node, dict):
        return node
    fresh: dict[str, Any] = {}
    for key, value in node.items():
        if key == "__id__" and isinstance(value, int):
            fresh[key] = numbers.setdefault(value, len(numbers))
        elif key == "file" and isinstance(value, str) and value.removesuffix(".npy").isdigit():
            number = int(value.removesuffix(".npy"))
            fresh[key] = f"{numbers.setdefault(number, len(numbers))}.npy"
        else:
            fresh[key] = _renumbered(value, numbers)
    return fresh


def _read_skops(body: bytes, name: str) -> Any:
    import skops.io

    if not zipfile.is_zipfile(io.BytesIO(body)):
        raise IntegrityError(f"{name} is not a skops file.", "Models are stored as XGBoost UBJ or skops only.")
    try:
        _refuse_untrusted(body, name)
        return skops.io.loads(body, trusted=list(TRUSTED_TYPES))
    except (KeyError, ValueError, TypeError, AttributeError, ImportError, zipfile.BadZipFile) as error:
        raise IntegrityError(f"{name} is not a readable skops file: {error}.") from error


def _refuse_untrusted(body: bytes, name: str) -> None:
    import skops.io

    foreign = sorted(set(skops.io.get_untrusted_types(data=body)) - set(TRUSTED_TYPES))
    if foreign:
        raise IntegrityError(
            f"{name} holds types that are not allowed: {', '.join(foreign)}.",
            "Only scikit-learn's own estimators can be served.",
        )


def booster_bytes(path: Path) -> bytes:
    """The content of an XGBoost file. IntegrityError if it cannot be one."""
    body = path.read_bytes()
    if body[:1] != b"{":
        raise IntegrityError(f"{path.name} is not XGBoost UBJ.", "Models are stored as XGBoost UBJ or skops only.")
    return body


def _read_booster(path: Path) -> xgboost.Booster:
    body = booster_bytes(path)
    import xgboost

    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(body))
    except xgboost.core.XGBoostError as error:
        raise IntegrityError(f"{path.name} is not a readable XGBoost model: {str(error).splitlines()[0]}") from error
    return booster


def _feature_types(card: ModelCard) -> list[str]:
    return ["q" if feature.categories is None else "c" for feature in card.features]
