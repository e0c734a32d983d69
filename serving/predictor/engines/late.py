"""A native engine that is only loaded when it is first asked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from contracts.formats import Classifier

_logger = logging.getLogger(__name__)


class LateEngine:
    """An engine whose library takes a second and 100 MB to load, for what a fast form asks once in a million rows."""

    def __init__(self, open_engine: Callable[[], Classifier], library: str) -> None:
        self._open = open_engine
        self._library = library
        self._lock = threading.Lock()
        self._engine: Classifier | None = None

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See Classifier."""
        with self._lock:
            if self._engine is None:
                _logger.info("loading %s, which decides between labels that are almost as probable", self._library)
                self._engine = self._open()
        return self._engine.probabilities(matrix)
