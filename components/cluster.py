"""The door to the Kubernetes API: how it is found, and what its refusals become."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import urllib3

from contracts.errors import ConfigError, UnavailableError

TIMEOUT_SECONDS = (5, 30)
"""To connect, and to wait for an answer."""


class ConflictError(UnavailableError):
    """Somebody else changed the object between our reading and our writing: read again."""


def custom_objects(env: Mapping[str, str] = os.environ, context: str | None = None) -> Any:
    """A client of custom resources: of the cluster this process runs in, else of KUBECONFIG.

    A `context` is always one of the kubeconfig. ConfigError if neither is there.
    """
    from kubernetes import client, config

    configuration = client.Configuration()
    try:
        if env.get("KUBERNETES_SERVICE_HOST") and not env.get("KUBECONFIG") and context is None:
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(
                env.get("KUBECONFIG"), context=context, client_configuration=configuration, persist_config=False
            )
    except (config.ConfigException, OSError, TypeError) as error:  # TypeError: a file that is no kubeconfig
        raise ConfigError(
            f"The Kubernetes API cannot be found: {error}.", "Set KUBECONFIG, or run `driftloop up`."
        ) from error
    return client.CustomObjectsApi(client.ApiClient(configuration))


@contextmanager
def answering(what: str) -> Iterator[None]:
    """Turn failures of the API about `what` into the project's errors; a 404 passes as it is."""
    from kubernetes.client import ApiException

    try:
        yield
    except ApiException as error:
        if error.status == 404:
            raise
        said = _message(error)
        if error.status == 409:
            raise ConflictError(f"{what} was changed by somebody else: {said}") from error
        if error.status in (400, 401, 403, 415, 422):
            raise ConfigError(f"The Kubernetes API refused {what}: {said}") from error
        raise UnavailableError(f"The Kubernetes API failed for {what} ({error.status}): {said}") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise UnavailableError(
            f"The Kubernetes API does not answer for {what} ({type(error).__name__}).",
            "See `driftloop status`, or check KUBECONFIG.",
        ) from error


def _message(error: Any) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason)
