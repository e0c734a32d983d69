"""Which cluster: any, a pocket's too, that the environment names. Versions are trained once for all tests."""

from __future__ import annotations

import os

import pytest

from tests.cluster.cluster_loop import number_of, train

NEEDED = ("KUBECONFIG", "KF_PIPELINES_ENDPOINT", "MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL_S3", "K_SINK")


@pytest.fixture(scope="session", autouse=True)
def cluster() -> None:
    """A cluster on which tests may train, roll out and send traffic."""
    if os.environ.get("DRIFTLOOP_CLUSTER_TESTS") != "1":
        pytest.skip("changes what serves on a cluster: `make test-cluster` says that this is meant")
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        how = 'eval "$(driftloop cluster env)", or eval "$(driftloop env)" after `driftloop up`'
        pytest.exit(f"{', '.join(missing)} not set: {how}.", returncode=2)


@pytest.fixture(scope="session")
def champion(cluster: None) -> str:
    """The number of a version that serves; trained if there is none."""
    if number_of("champion") is None:
        train("2013-03-01", "--rollout", "direct")
    number = number_of("champion")
    assert number is not None
    return number


@pytest.fixture(scope="session")
def challenger(champion: str) -> str:
    """The number of a newer version, registered and no more."""
    train("2013-04-01")
    number = number_of("challenger")
    assert number not in (None, champion)
    return str(number)
