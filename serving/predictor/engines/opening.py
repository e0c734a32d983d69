"""The engine of a verified model folder: its fast form, its native engine, or both."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from contracts.fast import FastModel, runtime
from contracts.formats import Classifier
from contracts.model import FastForm, ModelCard
from serving.predictor.engines.chosen import Chosen
from serving.predictor.engines.native import open_native, require_equal

_logger = logging.getLogger(__name__)


def open_engine(folder: Path, card: ModelCard, threads: int) -> tuple[Classifier, bool]:
    """What computes a model, and whether it takes missing values. IntegrityError if it contradicts its card."""
    form = _usable(card)
    native, missing = open_native(folder, card, threads, form)
    if form is None:
        return native, missing
    fast = FastModel((folder / form.file).read_bytes())
    _try(fast, card, form)
    return Chosen(fast, form, native, len(card.outputs)), missing


def _usable(card: ModelCard) -> FastForm | None:
    """The fast form, if what runs it here is what it was verified with. Else the log says why it does not serve."""
    if card.fast is None:
        _logger.info("served by its own library. %s", card.no_fast or "Its card has no fast form.")
        return None
    here = runtime()
    if here.rpartition(".")[0] != card.fast.runtime.rpartition(".")[0]:
        _logger.warning(
            "served by its own library: its fast form was verified with %s, here is %s", card.fast.runtime, here
        )
        return None
    return card.fast


def _try(fast: FastModel, card: ModelCard, form: FastForm) -> None:
    """One row, before any client's: a form of another shape than the card's never answers."""
    require_equal("features in its fast form", fast.features, len(card.features))
    require_equal("outputs in its fast form", fast.outputs, len(card.outputs))
    fast.probabilities(np.zeros((1, fast.features), np.float32))
    told = "fast form up to %s rows: the same labels on %d rows when it was made, outputs at most %.1e apart"
    _logger.info(told, form.native_above or "any number of", form.rows, form.greatest_difference)
