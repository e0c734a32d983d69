"""FastAPI with a pydantic model, as a model is put behind it in an afternoon. Runs in its own environment.

Arguments: the model's file and the port.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import uvicorn
import xgboost
from fastapi import FastAPI
from pydantic import BaseModel


class Rows(BaseModel):
    """The request."""

    rows: list[list[float]]


class Scores(BaseModel):
    """The answer: the second class's probability of each row."""

    scores: list[float]


def application(path: Path) -> FastAPI:
    """The whole server."""
    scores = _booster(path) if path.suffix == ".ubj" else _estimator(path)
    app = FastAPI()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/predict")
    async def predict(request: Rows) -> Scores:
        return Scores(scores=scores(np.array(request.rows, dtype=np.float32)).tolist())

    return app


def _booster(path: Path) -> Any:
    booster = xgboost.Booster(model_file=path)
    return lambda rows: booster.predict(xgboost.DMatrix(rows))


def _estimator(path: Path) -> Any:
    estimator = joblib.load(path)
    return lambda rows: estimator.predict_proba(rows)[:, 1]


if __name__ == "__main__":
    uvicorn.run(application(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]))
