"""Which cluster: any, a pocket's too, that the environment names. Versions are trained once for all tests."""

from __future__ import annotations

import os

import pytest

from tests.cluster.cluster_loop import LOOP, number_of, train, wait_for_quiet

NEEDED = ("KUBECONFIG", "KF_PIPELINES_ENDPOINT", "MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL_S3", "K_SINK")


@pytest.fixture(scope="session", autouse=True)
def cluster() -> None:
    """A cluster on which tests may train, roll out and send traffic, and nobody else does now."""
    if os.environ.get("DRIFTLOOP_CLUSTER_TESTS") != "1":
        pytest.skip("changes what serves on a cluster: `make test-cluster` says that this is meant")
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        how = 'eval "$(driftloop cluster env)", or eval "$(driftloop env)" after `driftloop up`'
        pytest.exit(f"{', '.join(missing)} not set: {how}.", returncode=2)
    wait_for_quiet()


@pytest.fixture(scope="session")
def seed(cluster: None) -> int:
    """Of trainings that nobody has made yet: the very same one again is no new version."""
    import mlflow

    found = mlflow.MlflowClient().search_model_versions(f"name='{LOOP}'")
    return 1000 + max((int(version.version) for version in found), default=0)


@pytest.fixture(scope="session")
def champion(seed: int) -> str:
    """The number of a new version that serves, whatever served before: its windows begin with these tests."""
    before = number_of("champion")
    train("2013-03-01", seed, "--rollout", "direct")
    number = number_of("champion")
    assert number is not None
    assert number != before, f"a version was trained and rolled out, and the champion is {number} as before"
    return number


@pytest.fixture(scope="session")
def challenger(champion: str, seed: int) -> str:
    """The number of a newer version, registered and no more."""
    train("2013-04-01", seed)
    number = number_of("challenger")
    assert number is not None
    assert number != champion, f"a version was trained, and the challenger is the champion, {number}"
    return number
