"""The model of a verified folder, checked against its card before it may serve."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contracts import formats
from contracts.errors import IntegrityError
from contracts.model import ModelCard
from feature_store.matrix import Matrix
from serving.errors import InvalidRequestError
from serving.predictor.engines.opening import open_engine


@dataclass(frozen=True)
class ServedClassifier:
    """A loaded model and what it can take. Safe to call from several threads."""

    model: formats.Classifier
    accepts_missing: bool
    """Whether the matrix may hold NaN."""

    def probabilities(self, matrix: Matrix) -> Matrix:
        """Float32 [rows, outputs] of the card. InvalidRequestError where the model refuses a value."""
        try:
            return self.model.probabilities(matrix)
        except ValueError as error:  # how scikit-learn refuses, such as OneHotEncoder a category it never saw
            if not isinstance(self.model, formats.EstimatorClassifier):
                raise
            raise InvalidRequestError(f"The model refuses a row: {str(error).splitlines()[0]}") from error


def load(folder: Path, card: ModelCard, threads: int) -> ServedClassifier:
    """The model of a folder whose card was verified. IntegrityError if it contradicts its card or format."""
    _require_words("feature", [feature.name for feature in card.features], 1)
    if card.task == "classification":
        _require_words("label", list(card.labels), 2)
    elif card.labels:
        raise IntegrityError(f"The model card of a regression names {len(card.labels)} labels; expected none.")
    formats.require_library(card)
    return ServedClassifier(*open_engine(folder, card, threads))


def _require_words(kind: str, words: list[str], least: int) -> None:
    repeated = sorted({word for word in words if words.count(word) > 1})
    if repeated:
        raise IntegrityError(f"The model card names {kind} {repeated[0]!r} more than once.")
    if len(words) < least:
        raise IntegrityError(f"The model card names {len(words)} {kind}s; expected at least {least}.")
