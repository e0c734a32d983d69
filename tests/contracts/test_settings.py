"""Where things are, from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import ConfigError
from contracts.settings import Settings


def test_laptop_needs_no_environment() -> None:
    """With nothing set everything is on this machine, and there are no credentials."""
    settings = Settings.from_env({})

    assert settings.home == Path(".driftloop").resolve()
    assert settings.s3_endpoint == "http://127.0.0.1:8333"
    assert (settings.s3_host, settings.s3_secure) == ("127.0.0.1:8333", False)
    assert (settings.s3_access_key, settings.s3_secret_key) == ("", "")
    assert settings.mlflow_tracking_uri.startswith("http://127.0.0.1:")


def test_a_mode_that_kserve_does_not_have() -> None:
    """It is refused when the process starts, not when a rollout has begun."""
    assert Settings.from_env({}).deployment_mode == "Knative"
    assert Settings.from_env({"DRIFTLOOP_DEPLOYMENT_MODE": "Standard"}).deployment_mode == "Standard"
    with pytest.raises(ConfigError, match="'RawDeployment'"):
        Settings.from_env({"DRIFTLOOP_DEPLOYMENT_MODE": "RawDeployment"})


def test_an_environment_has_a_name_for_runs() -> None:
    """None for the first; another's can be part of a run's name."""
    assert Settings.from_env({}).environment == ""
    assert Settings.from_env({"DRIFTLOOP_ENVIRONMENT": "production"}).environment == "production"
    with pytest.raises(ConfigError, match="'My Place'"):
        Settings.from_env({"DRIFTLOOP_ENVIRONMENT": "My Place"})


def test_variables_are_the_ecosystems() -> None:
    """The names that other tools read are read here."""
    settings = Settings.from_env(
        {
            "AWS_ENDPOINT_URL_S3": "https://s3.example:9000/",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "MLFLOW_TRACKING_URI": "http://mlflow/",
        }
    )

    assert (settings.s3_host, settings.s3_secure, settings.s3_region) == ("s3.example:9000", True, "eu-west-1")
    assert settings.mlflow_tracking_uri == "http://mlflow"


def test_region_of_two_variables() -> None:
    """AWS_REGION wins; an empty one counts for nothing."""
    both = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-west-2"}

    assert Settings.from_env(both).s3_region == "eu-west-1"
    assert Settings.from_env({**both, "AWS_REGION": ""}).s3_region == "us-west-2"


def test_secrets_are_not_shown() -> None:
    """Neither key is in the text of the settings."""
    settings = Settings.from_env({"AWS_ACCESS_KEY_ID": "the-key", "AWS_SECRET_ACCESS_KEY": "the-secret"})

    assert "the-" not in repr(settings)


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "MLFLOW_TRACKING_URI", "KF_PIPELINES_ENDPOINT"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "localhost:8333",
        "ftp://host",
        "http://",
        "http://:80",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
    ],
)
def test_what_is_no_address(name: str, value: str) -> None:
    """A variable that should hold an address and does not is named with its value."""
    with pytest.raises(ConfigError, match=f"^{name} is '.*', not an address. Write it as http://host:port"):
        Settings.from_env({name: value})


@pytest.mark.parametrize("name", ["DRIFTLOOP_PREDICTOR_URL", "K_SINK"])
def test_an_address_that_need_not_be_set(name: str) -> None:
    """Nothing is none; what is no address is refused as elsewhere."""
    assert Settings.from_env({name: ""}).predictor_url is None
    with pytest.raises(ConfigError, match=f"^{name} is 'localhost:80', not an address"):
        Settings.from_env({name: "localhost:80"})
