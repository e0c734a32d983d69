"""KServe's own ModelServer with a model as its stock xgbserver and sklearnserver serve it. Runs in its own environment.

The arguments are ModelServer's, and --model_file.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import kserve
from kserve import logging
from kserve.errors import InferenceError
from kserve.model_server import parser as server_arguments
from kserve.utils.utils import get_predict_input, get_predict_response


class Served(kserve.Model):
    """Input and answer by KServe's own functions, as the stock servers have it."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name)
        self._path = path

    def load(self) -> bool:
        """Read the file."""
        self.scores = _booster(self._path) if self._path.suffix == ".ubj" else _estimator(self._path)
        self.ready = True
        return self.ready

    def predict(self, payload: Any, headers: dict[str, str] | None = None) -> Any:
        """Probabilities of the first input."""
        try:
            return get_predict_response(payload, self.scores(get_predict_input(payload)), self.name)
        except Exception as error:  # whatever fails: so do the stock servers
            raise InferenceError(str(error)) from error


def _booster(path: Path) -> Any:
    import xgboost

    booster = xgboost.Booster(params={"nthread": 1}, model_file=bytearray(path.read_bytes()))
    return lambda rows: booster.predict(xgboost.DMatrix(rows, nthread=1))


def _estimator(path: Path) -> Any:
    import joblib

    return joblib.load(path).predict_proba  # the stock server's choice with PREDICT_PROBA=true


def main() -> None:
    """Load, then serve."""
    parser = argparse.ArgumentParser(parents=[server_arguments])
    parser.add_argument("--model_file", type=Path, required=True)
    options, _ = parser.parse_known_args()
    if options.configure_logging:
        logging.configure_logging(options.log_config_file)
    model = Served(options.model_name, options.model_file)
    model.load()
    kserve.ModelServer().start([model])


if __name__ == "__main__":
    main()
