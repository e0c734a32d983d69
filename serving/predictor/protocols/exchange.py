"""One request and its answer, in one protocol: what a server calls around the data plane."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

from serving.predictor.dataplane import DataPlane, Prediction
from serving.predictor.rows import Rows

AnswerT_co = TypeVar("AnswerT_co", covariant=True)


class HttpAnswer(NamedTuple):
    """The body and headers of a 200."""

    body: bytes
    headers: dict[str, str]


class Exchange(Protocol[AnswerT_co]):
    """Decode first, then encode: an exchange remembers what the request asked for."""

    def decode(self, plane: DataPlane) -> Rows:
        """The request's rows. A ServingError says what is wrong with it."""
        ...

    def encode(self, plane: DataPlane, prediction: Prediction) -> AnswerT_co:
        """The prediction as the protocol's answer."""
        ...
