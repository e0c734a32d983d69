"""XGBoost's own shared library, without its Python package: that takes a second and pandas and scipy to import."""

from __future__ import annotations

import ctypes
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from contracts.errors import ConfigError, DriftloopError


class LibraryError(DriftloopError):
    """What the library says went wrong."""


@cache
def library() -> ctypes.CDLL:
    """The library of the installed package. ConfigError without one."""
    spec = importlib.util.find_spec("xgboost")  # finds it, and imports nothing
    for folder in spec.submodule_search_locations or () if spec else ():
        path = Path(folder) / "lib" / "libxgboost.so"
        if path.is_file():
            return _declared(ctypes.CDLL(str(path)))
    raise ConfigError("XGBoost is not installed.", "Serve this model in the environment it was trained in.")


def call(name: str, *arguments: Any) -> None:
    """Call a function of the library by its name. LibraryError if it fails."""
    check(getattr(library(), name)(*arguments))


def check(code: int) -> None:
    """LibraryError unless a function ended well."""
    if code:
        told = library().XGBGetLastError().decode("utf-8", "replace")  # of this thread
        raise LibraryError(_first_line(told))


def _first_line(told: str) -> str:
    """Its reason alone: the library adds when, where in its source, and a stack trace."""
    lines = [line for line in told.splitlines() if line.strip()]
    return lines[0].rpartition(": ")[2] if lines else "no reason given"


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """With the types of what is passed: without them a handle of 64 bits is cut to 32."""
    pointer, text, count = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64
    library.XGBGetLastError.restype = text
    library.XGBoosterCreate.argtypes = [pointer, count, pointer]
    library.XGBoosterFree.argtypes = [pointer]
    library.XGBoosterGetNumFeature.argtypes = [pointer, pointer]
    library.XGBoosterGetStrFeatureInfo.argtypes = [pointer, text, pointer, pointer]
    library.XGBoosterLoadModelFromBuffer.argtypes = [pointer, text, count]
    library.XGBoosterPredictFromDense.argtypes = [pointer, text, text, pointer, pointer, pointer, pointer]
    library.XGBoosterSaveJsonConfig.argtypes = [pointer, pointer, pointer]
    library.XGBoosterSetParam.argtypes = [pointer, text, text]
    return library
