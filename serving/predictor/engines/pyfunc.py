"""Any MLflow model as an engine: the general and slow one. Loading it can run code; its card was verified before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.errors import IntegrityError
from contracts.model import Feature, ModelCard


class PyfuncEngine:
    """A python_function model: a pandas frame with a column a feature in, probabilities or numbers out."""

    def __init__(self, folder: Path, card: ModelCard) -> None:
        import mlflow.pyfunc

        self._features, self._outputs = card.features, len(card.outputs)
        try:
            self._model = mlflow.pyfunc.load_model(str(folder))
        except Exception as error:
            raise IntegrityError(f"The MLflow model cannot be loaded: {_line(error)}") from error

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See Classifier. A categorical feature is its text, a missing value None or NaN."""
        found = np.asarray(self._model.predict(self._frame(matrix)), dtype=np.float32)
        if found.size != len(matrix) * self._outputs or (found.ndim < 2 and self._outputs > 1):
            raise IntegrityError(
                f"The MLflow model answers {list(found.shape)} to {len(matrix)} rows;"
                f" expected {[len(matrix), self._outputs]}: a column for each of its card's outputs."
            )
        return found.reshape(len(matrix), self._outputs)

    def accepts_missing(self) -> bool:
        """Ask the model itself. IntegrityError if it cannot even answer a row that has every value."""
        shape = (1, len(self._features))
        try:
            self.probabilities(np.zeros(shape, np.float32))
        except IntegrityError:
            raise
        except Exception as error:
            raise IntegrityError(f"The MLflow model cannot predict: {_line(error)}") from error
        try:
            self.probabilities(np.full(shape, np.nan, np.float32))
        except Exception:  # noqa: BLE001 - whatever it raises, that is its no
            return False
        return True

    def _frame(self, matrix: npt.NDArray[np.float32]) -> Any:
        import pandas as pd

        return pd.DataFrame(
            {feature.name: _column(feature, matrix[:, place]) for place, feature in enumerate(self._features)}
        )


def _column(feature: Feature, values: npt.NDArray[np.float32]) -> Any:
    if feature.categories is None:
        return values
    words: npt.NDArray[Any] = np.array([*feature.categories, None], dtype=object)
    return words[np.where(np.isnan(values), len(feature.categories), values).astype(np.int64)]


def _line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
