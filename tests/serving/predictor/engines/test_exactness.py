"""What the predictor answers is what the native library answers, for every kind of model."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from engine_parts import ASKED, KINDS, Folder, folder_of, rows_of

from contracts.fast import NEAR_TIE
from contracts.formats import load
from feature_store.matrix import Matrix
from serving.predictor import classifier
from serving.predictor.engines.xgboost_engine import XGBoostEngine

ROWS = rows_of(ASKED, 1)
BOOSTERS = [kind for kind in KINDS if kind.startswith("xgboost")]


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A model of each kind."""
    return folder_of(request.param, tmp_path_factory.mktemp("model"))


def batches(rows: Matrix, size: int) -> Iterator[Matrix]:
    """Requests of so many rows each."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def assert_same(found: Matrix, expected: Matrix) -> None:
    """Equal labels, and outputs as near as is promised."""
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    assert (np.abs(found - expected) <= NEAR_TIE * np.maximum(1, np.abs(expected))).all()


@pytest.mark.parametrize("size", [7, ASKED])
def test_twenty_thousand_rows(folder: Folder, size: int) -> None:
    """In requests of few rows and in one of many: labels equal, outputs within a millionth."""
    engine = classifier.load(folder.path, folder.card, 1)
    assert engine.accepts_missing
    found = np.concatenate([engine.probabilities(rows) for rows in batches(ROWS, size)])
    assert found.dtype == np.float32
    assert_same(found, folder.native.probabilities(ROWS))


def test_rows_one_by_one(folder: Folder) -> None:
    """A row's answer is the same bits alone and among a few others."""
    engine = classifier.load(folder.path, folder.card, 1)
    alone = np.concatenate([engine.probabilities(row) for row in batches(ROWS[:400], 1)])
    np.testing.assert_array_equal(alone, np.concatenate([engine.probabilities(two) for two in batches(ROWS[:400], 2)]))
    assert_same(alone, folder.native.probabilities(ROWS[:400]))


def test_without_its_fast_form(folder: Folder) -> None:
    """Where the native engine serves, every bit is the native library's."""
    engine = classifier.load(folder.path, folder.card.model_copy(update={"fast": None}), 1)
    np.testing.assert_array_equal(engine.probabilities(ROWS), folder.native.probabilities(ROWS))


@pytest.mark.parametrize("kind", BOOSTERS)
@pytest.mark.parametrize("threads", [1, 2])
def test_xgboost_without_its_package(kind: str, threads: int, tmp_path: Path) -> None:
    """The library alone gives the bits of xgboost.Booster, whatever the threads and the layout of the rows."""
    folder = folder_of(kind, tmp_path)
    engine = XGBoostEngine(folder.path / folder.card.model_file, threads)
    for rows in (ROWS, ROWS[:1], np.asfortranarray(ROWS[:50]), ROWS[:100:3]):
        expected = load(folder.path, folder.card).probabilities(rows)
        np.testing.assert_array_equal(engine.probabilities(rows), expected)
    assert len(engine.probabilities(ROWS[:0])) == 0


@pytest.mark.parametrize("kind", ["xgboost", "xgboost of three", "random forest"])
def test_several_threads_at_once(kind: str, tmp_path: Path) -> None:
    """Requests at the same time do not see each other's answers."""
    folder = folder_of(kind, tmp_path)
    engine = classifier.load(folder.path, folder.card, 1)
    parts = [ROWS[start : start + size] for start, size in zip(range(0, 4000, 100), (1, 3, 50, 100) * 10, strict=True)]
    expected = [engine.probabilities(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for found, right in zip(pool.map(engine.probabilities, parts), expected, strict=True):
                np.testing.assert_array_equal(found, right)
