"""Which variables clients get, and whose win."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.settings import Settings
from pocket import credentials, state
from pocket.controllers import memory
from pocket.controllers import service as controllers
from pocket.controllers.memory import Memory
from pocket.environment import CONTROLLERS, PIPELINES, environment, laid_under, predictor_address, users_own
from pocket.kfp_api import service as pipelines
from pocket.state import Record

S3 = "http://127.0.0.1:8400"
PORTS = {
    "s3": 8400,
    "mlflow": 5400,
    "kubernetes": 6400,
    "broker-ingress": 8485,
    "pipelines": 8800,
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that has every server up that has a variable."""
    credentials.ensure(tmp_path)
    for service, port in PORTS.items():
        state.write(tmp_path, Record(service, "token", 1, 0.0, {"http": port}))
    return tmp_path


def test_all_addresses_and_keys_are_given(home: Path) -> None:
    """Settings made of the variables find every server."""
    settings = Settings.from_env(laid_under(home, {}))
    keys = credentials.read(home)
    assert (settings.home, settings.s3_endpoint) == (home, S3)
    assert (settings.s3_access_key, settings.s3_secret_key) == (keys.access_key, keys.secret_key)
    assert settings.mlflow_tracking_uri == "http://127.0.0.1:5400"
    assert settings.kfp_endpoint == "http://127.0.0.1:8800"
    assert settings.sink == "http://127.0.0.1:8485/driftloop/driftloop"
    assert laid_under(home, {})["KUBECONFIG"] == str(home / "kubeconfig")


def test_the_inference_service_is_the_predictor(home: Path) -> None:
    """Its address is told while it answers, and never taken for the user's own, whichever loop it is of."""
    memory.write(home, "InferenceService+driftloop+flights-predictor", Memory("uid", 8123))
    memory.write(home, "InferenceService+driftloop+trains-predictor", Memory("uid", 8124))
    assert predictor_address(home) is None
    state.write(home, Record("controllers", "token", 1, 0.0, {"http": 8089}))
    assert predictor_address(home) == "http://127.0.0.1:8123"
    state.write(home, Record("controllers", "", 0, 0.0, {"http": 8089}))
    for address in ("http://127.0.0.1:8123", "http://127.0.0.1:8124/"):
        assert "DRIFTLOOP_PREDICTOR_URL" not in laid_under(home, {"DRIFTLOOP_PREDICTOR_URL": address})
    ingress = {"DRIFTLOOP_PREDICTOR_URL": "http://ingress.example.com"}
    assert ingress.items() <= laid_under(home, ingress).items()


def test_the_names_are_those_of_the_services(home: Path) -> None:
    """Which are not imported to make an environment: they take long."""
    assert (PIPELINES, CONTROLLERS) == (pipelines.NAME, controllers.NAME)


def test_the_cluster_a_shell_points_at_gets_nothing_of_ours(home: Path) -> None:
    """KUBECONFIG is the home's own while its API is up, and the user's again afterwards."""
    user = {"KUBECONFIG": "/etc/production"}
    assert laid_under(home, user)["KUBECONFIG"] == str(home / "kubeconfig")
    state.write(home, Record("kubernetes", "", 0, 0.0, {"http": 6400}))
    assert laid_under(home, user)["KUBECONFIG"] == "/etc/production"


def test_a_sink_and_a_pipelines_api_of_the_users_win(home: Path) -> None:
    """As any address does."""
    user = {"K_SINK": "http://broker.example.com/a/b", "KF_PIPELINES_ENDPOINT": "https://kfp.example.com"}
    assert user.items() <= laid_under(home, user).items()


def test_mlflow_and_feast_are_told_the_same_s3(home: Path) -> None:
    """Libraries with a variable of their own read the same server."""
    found = environment(home)
    assert found["MLFLOW_S3_ENDPOINT_URL"] == found["FEAST_S3_ENDPOINT_URL"] == found["AWS_ENDPOINT_URL_S3"] == S3


def test_a_stopped_server_is_not_given(home: Path) -> None:
    """After `down` nothing points to where a server was."""
    state.write(home, Record("s3", "", 0, 0.0, {"http": 8400}))
    assert not [name for name in environment(home) if name.startswith(("AWS_", "MLFLOW_S3", "FEAST_"))]


def test_an_address_the_user_set_wins(home: Path) -> None:
    """Any variable of the user's stands."""
    user = {"MLFLOW_TRACKING_URI": "https://mlflow.example.com", "AWS_REGION": "eu-central-1"}
    full = laid_under(home, user)
    assert user.items() <= full.items()
    assert full["AWS_ENDPOINT_URL_S3"] == S3


def test_an_empty_variable_is_not_set(home: Path) -> None:
    """`MLFLOW_TRACKING_URI= driftloop …` is no address."""
    assert laid_under(home, {"MLFLOW_TRACKING_URI": ""})["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5400"


def test_the_users_s3_gets_none_of_our_keys(home: Path) -> None:
    """Keys made for this machine never leave for another server."""
    full = laid_under(home, {"AWS_ENDPOINT_URL_S3": "https://s3.example.com"})
    assert full["MLFLOW_S3_ENDPOINT_URL"] == full["FEAST_S3_ENDPOINT_URL"] == "https://s3.example.com"
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & full.keys()


def test_our_s3_gets_none_of_the_users_keys(home: Path) -> None:
    """Keys for a cloud in the user's shell do not lock the user out of the local server."""
    user = {"AWS_ACCESS_KEY_ID": "cloud", "AWS_SECRET_ACCESS_KEY": "cloud", "AWS_SESSION_TOKEN": "cloud"}
    full = laid_under(home, user)
    assert full["AWS_ACCESS_KEY_ID"] == credentials.read(home).access_key
    assert "cloud" not in full.values()


def test_the_users_keys_stand_where_no_server_of_ours_is_up(tmp_path: Path) -> None:
    """Without a local server nothing of the user's is taken away."""
    user = {"AWS_ACCESS_KEY_ID": "cloud", "AWS_SECRET_ACCESS_KEY": "cloud"}
    assert user.items() <= laid_under(tmp_path, user).items()


def test_our_own_addresses_are_not_taken_for_the_users(home: Path) -> None:
    """After `eval "$(driftloop env)"` the next command still knows which servers are its own, stopped or not."""
    shell = laid_under(home, {"SHELL": "sh"})
    assert laid_under(home, shell) == shell
    for service, port in PORTS.items():
        state.write(home, Record(service, "", 0, 0.0, {"http": port}))
    assert users_own(home, shell) == {
        name: shell[name] for name in ("SHELL", "AWS_REGION", "DRIFTLOOP_HOME", "MLFLOW_DISABLE_TELEMETRY")
    }


@pytest.mark.parametrize("proxy", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_loopback_is_not_asked_through_a_proxy(home: Path, proxy: str) -> None:
    """With a proxy in the environment, its exceptions are kept and loopback joins them."""
    full = laid_under(home, {proxy: "http://proxy.example.com:3128", "NO_PROXY": "example.com"})
    assert full["no_proxy"] == full["NO_PROXY"] == "example.com,127.0.0.1,localhost"


def test_two_homes_have_different_keys(tmp_path: Path) -> None:
    """Keys are made at random for every home, and stay."""
    one, other = tmp_path / "one", tmp_path / "other"
    assert credentials.ensure(one) != credentials.ensure(other)
    assert credentials.ensure(one) == credentials.read(one)


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    """The file is 0600 in a folder 0700, and the keys are in no repr."""
    keys = credentials.ensure(tmp_path)
    assert credentials.path(tmp_path).stat().st_mode & 0o777 == 0o600
    assert credentials.path(tmp_path).parent.stat().st_mode & 0o777 == 0o700
    assert keys.secret_key not in repr(keys)
