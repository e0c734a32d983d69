"""train and select: the same arguments, the same model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.estimators import fit, positive, save
from components.frame import features_of, read_columns, read_rows
from components.plan import Trial, sample
from components.select import rank, select
from components.split import Split
from components.train import Result, train
from contracts.errors import ConfigError, DataError
from contracts.fast import NEAR_TIE, FastModel
from contracts.formats import load
from contracts.loop import LoopSpec
from contracts.model import ModelCard, sha256_of
from contracts.window import Window
from feature_store.contract import DataContract
from feature_store.matrix import encode

WINDOW = Window.parse("2013-01-01", "2013-02-01")
KINDS: dict[str, dict[str, float | int | str]] = {
    "xgboost": {"n_estimators": 10, "max_depth": 3, "subsample": 0.8},
    "hist_gradient_boosting": {"max_iter": 10},
    "logistic_regression": {"C": 1.0},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_is_reproducible(frame: Path, contract: DataContract, tmp_path: Path, kind: str) -> None:
    """The same data and seed give the same file, byte for byte; it serves what was fitted."""
    features = features_of(frame, contract, WINDOW)
    rows = read_rows(frame, features, WINDOW)
    digests = []
    for attempt in ("first", "second"):
        (tmp_path / attempt).mkdir()
        model = fit(kind, KINDS[kind], rows, features, seed=3, threads=1)
        _, name = save(model, tmp_path / attempt)
        digests.append(sha256_of(tmp_path / attempt / name))
    assert digests[0] == digests[1]
    assert 0.7 < np.mean((positive(model, rows.matrix) > 0.5) == rows.labels) < 1


def test_another_seed_is_another_model(frame: Path, contract: DataContract, tmp_path: Path) -> None:
    """Where rows are sampled, the seed shows in the file."""
    features = features_of(frame, contract, WINDOW)
    rows = read_rows(frame, features, WINDOW)
    digests = set()
    for seed in (1, 2):
        _, name = save(fit("xgboost", KINDS["xgboost"], rows, features, seed, threads=1), tmp_path)
        digests.add(sha256_of(tmp_path / name))
    assert len(digests) == 2


def test_train_scores_the_last_days(frame: Path, contract: DataContract, spec: LoopSpec) -> None:
    """A trial learns what the frame holds, judged on days it has not seen."""
    result = train(spec, contract, frame, WINDOW, sample(spec.train)[0])
    assert 0.75 < result.roc_auc < 1
    assert Split.of(WINDOW, 7).validation == Window.parse("2013-01-25", "2013-02-01")


def test_a_window_too_short_to_split() -> None:
    """Nothing left to fit on is the user's mistake, said so."""
    with pytest.raises(ConfigError, match="validation_days = 31"):
        Split.of(WINDOW, 31)


def test_rank_is_stable() -> None:
    """Best first by the loop's metric; of equals, the earlier trial."""
    results = [_result(0, 0.7, 0.6), _result(1, 0.8, 0.7), _result(2, 0.8, 0.5)]
    assert [result.trial.number for result in rank(results, "roc_auc")] == [1, 2, 0]
    assert [result.trial.number for result in rank(results, "log_loss")] == [2, 0, 1]


@pytest.mark.parametrize("kind", ["xgboost", "logistic_regression"])
def test_select_writes_a_whole_folder(
    frame: Path, contract: DataContract, spec: LoopSpec, tmp_path: Path, kind: str
) -> None:
    """The card's digests hold, the model loads from its safe format, the reference carries its own scores, and there is
    a fast form that was held against them.
    """
    trial = Trial(number=0, kind=kind, params=KINDS[kind])
    best = Result(trial=trial, roc_auc=0.8, log_loss=0.5, seconds=1.0)
    card = select(spec, contract, frame, WINDOW, best, tmp_path / "model")
    assert ModelCard.read(tmp_path / "model") == card
    card.verify(tmp_path / "model")
    assert select(spec, contract, frame, WINDOW, best, tmp_path / "again") == card
    reference = pd.read_parquet(tmp_path / "model" / "reference.parquet")
    assert len(reference) == spec.drift.reference_rows
    matrix = encode({feature.name: reference[feature.name] for feature in card.features}, card.features)
    scores = positive(load(tmp_path / "model", card), matrix)
    np.testing.assert_array_equal(reference["score"].to_numpy(), scores)
    assert card.fast is not None, card.no_fast
    fast = positive(FastModel((tmp_path / "model" / card.fast.file).read_bytes()), matrix)
    np.testing.assert_allclose(fast, scores, rtol=0, atol=NEAR_TIE)
    assert card.fast.rows > len(matrix)


def test_the_reference_is_of_all_rows(frame: Path, contract: DataContract, spec: LoopSpec, tmp_path: Path) -> None:
    """Rows whose outcome never came are in the reference as often as in traffic, though nothing is learnt from them."""
    rows = pq.read_table(frame).to_pandas()
    unknown = rows["row_id"].where(np.arange(len(rows)) % 3 == 0).dropna().tolist()
    rows.loc[rows["row_id"].isin(unknown), "label"] = np.nan
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), tmp_path / "frame.parquet")
    trial = Trial(number=0, kind="xgboost", params=KINDS["xgboost"])
    best = Result(trial=trial, roc_auc=0.8, log_loss=0.5, seconds=1.0)
    whole = spec.model_copy(update={"drift": spec.drift.model_copy(update={"reference_rows": len(rows)})})
    select(whole, contract, tmp_path / "frame.parquet", WINDOW, best, tmp_path / "model")
    reference = pd.read_parquet(tmp_path / "model" / "reference.parquet")
    asked = read_columns(frame, ["row_id"], WINDOW, labelled=False)["row_id"].tolist()
    assert reference["row_id"].tolist() == asked
    assert set(unknown) & set(asked)


def test_mlflow_can_load_it(frame: Path, contract: DataContract, spec: LoopSpec, tmp_path: Path) -> None:
    """The folder is an MLflow model too: its own loader gives the same scores."""
    import mlflow.xgboost
    import xgboost

    best = Result(trial=Trial(number=0, kind="xgboost", params=KINDS["xgboost"]), roc_auc=0.8, log_loss=0.5, seconds=1)
    card = select(spec, contract, frame, WINDOW, best, tmp_path / "model")
    rows = read_rows(frame, card.features, WINDOW)
    booster = mlflow.xgboost.load_model(str(tmp_path / "model"))
    types = ["q" if feature.categories is None else "c" for feature in card.features]
    matrix = xgboost.DMatrix(rows.matrix, feature_types=types, enable_categorical=True)
    np.testing.assert_array_equal(booster.predict(matrix), positive(load(tmp_path / "model", card), rows.matrix))


def test_no_labels_no_fit(frame: Path, contract: DataContract) -> None:
    """A window without labelled rows of two classes is an error that names it."""
    features = features_of(frame, contract, WINDOW)
    with pytest.raises(DataError, match="2014-01-01"):
        read_rows(frame, features, Window.parse("2014-01-01", "2014-01-02"))


def test_categories_come_from_the_window(frame: Path, contract: DataContract) -> None:
    """Each categorical feature has the values it takes, sorted; the order of features is the contract's."""
    features = features_of(frame, contract, WINDOW)
    assert [feature.name for feature in features] == [column.name for column in contract.columns]
    assert features[0].categories == ("AA", "B6", "UA")
    assert features[3].categories is None


def _result(number: int, roc_auc: float, log_loss: float) -> Result:
    trial = Trial(number=number, kind="xgboost", params={})
    return Result(trial=trial, roc_auc=roc_auc, log_loss=log_loss, seconds=0.0)
