"""Where a loop's predictor is asked: on a laptop and on a cluster alike, where its InferenceService says."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from contracts.errors import DriftloopError, UnavailableError
from contracts.settings import Settings


@dataclass(frozen=True)
class Predictor:
    """One loop's predictor, as a client reaches it."""

    url: str
    """Base URL of its REST."""
    host: str = ""
    """The name it is asked by, where the URL is that of an ingress."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Of every request."""
        return {"Host": self.host} if self.host else {}

    @classmethod
    def through(cls, ingress: str, served: str) -> Predictor:
        """What is asked at the URL of an ingress by the name in the URL where it is served; empty: the name is none."""
        host = urlsplit(served).netloc
        return cls(ingress, host if host != urlsplit(ingress).netloc else "")


def predictor_of(settings: Settings, loop: str) -> Predictor:
    """A loop's predictor. UnavailableError if nothing is served yet; ConfigError if there is no Kubernetes API.

    With DRIFTLOOP_PREDICTOR_URL, requests go there, by the InferenceService's name if that is known.
    """
    if settings.predictor_url is None:
        return Predictor(served_at(settings, loop))
    served = ""
    with suppress(DriftloopError):  # a predictor that somebody runs by hand has no InferenceService
        served = served_at(settings, loop)
    return Predictor.through(settings.predictor_url, served)


def served_at(settings: Settings, loop: str) -> str:
    """The address in the status of a loop's InferenceService."""
    from components.cluster import custom_objects
    from components.inference_service import InferenceService

    service = InferenceService(custom_objects(), settings.namespace, loop)
    state = service.read()
    if state is None or not state.url:
        lacks = "is not there" if state is None else "has no address yet"
        raise UnavailableError(f"{service.what} {lacks}.", f"Run `driftloop deploy {loop}@challenger`.")
    return state.url
