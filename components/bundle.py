"""The model folder: the model in a safe format, its fast form if it has one, MLflow's description, a reference sample,
and the card over it all.
"""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.estimators import save
from components.fast_form.making import make
from contracts.formats import TRUSTED_TYPES, BoosterClassifier, Classifier, EstimatorClassifier, library_of
from contracts.loop import DriftSpec
from contracts.model import Feature, ModelCard, sha256_of
from feature_store.matrix import encode

_logger = logging.getLogger(__name__)
REFERENCE = "reference.parquet"
"""Rows of the training days and their scores, against which live windows are compared."""
DRIFT = "drift.json"


def write_bundle(
    folder: Path,
    loop: str,
    kind: str,
    model: Classifier,
    features: tuple[Feature, ...],
    labels: tuple[str, ...],
    reference: pd.DataFrame,
    drift: DriftSpec,
    importance: dict[str, float],
) -> ModelCard:
    """Fill a new folder; its card, with the digest of every file that is read after training.

    `drift.json` holds the loop's drift settings and, as `importance`, each feature's share of the model.
    """
    names = [feature.name for feature in features]
    _describe(folder, model, features)
    file_format, model_file = save(model, folder)
    pq.write_table(pa.Table.from_pandas(reference, preserve_index=False), folder / REFERENCE, compression="zstd")
    watched = {**drift.model_dump(mode="json"), "importance": importance}
    (folder / DRIFT).write_text(json.dumps(watched, indent=1, sort_keys=True))
    made = make(model, features, len(labels), encode({name: reference[name] for name in names}, features))
    if made.form is None:
        _logger.warning("this version will be served by its own library: %s", made.reason)
    else:
        (folder / made.form.file).write_bytes(made.body)
    written = [model_file, REFERENCE, DRIFT, *([made.form.file] if made.form else [])]
    files = {name: sha256_of(folder / name) for name in written}
    card = ModelCard(
        loop=loop,
        kind=kind,
        format=file_format,
        model_file=model_file,
        library=library_of(file_format),
        features=features,
        labels=labels,
        files=files,
        fast=made.form,
        no_fast=made.reason,
    )
    card.write(folder)
    return card


def _describe(folder: Path, model: Classifier, features: tuple[Feature, ...]) -> None:
    """MLflow's own description of the folder (MLmodel and the environments), so that its tools can load it too."""
    options: dict[str, Any] = {"path": str(folder), "signature": _signature(len(features))}
    if isinstance(model, BoosterClassifier):
        import mlflow.xgboost
        import xgboost

        requirements = [f"xgboost=={xgboost.__version__}"]
        with _told_when_full(folder):
            mlflow.xgboost.save_model(model.booster, model_format="ubj", pip_requirements=requirements, **options)
    elif isinstance(model, EstimatorClassifier):
        import mlflow.sklearn
        import sklearn

        requirements = [f"scikit-learn=={sklearn.__version__}", "skops"]
        mlflow.sklearn.save_model(
            model.estimator,
            serialization_format="skops",
            skops_trusted_types=list(TRUSTED_TYPES),
            pip_requirements=requirements,
            **options,
        )


@contextmanager
def _told_when_full(folder: Path) -> Iterator[None]:
    """XGBoost says of a full disk only that a write fell short."""
    import xgboost

    try:
        yield
    except xgboost.core.XGBoostError as error:
        if "Write incomplete" not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error


def _signature(width: int) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    matrix = Schema([TensorSpec(np.dtype(np.float32), (-1, width), "matrix")])
    return ModelSignature(inputs=matrix, outputs=Schema([TensorSpec(np.dtype(np.float32), (-1,))]))
