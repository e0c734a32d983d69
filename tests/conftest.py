"""Real servers for tests that need them, on free ports in a home of their own, once a session."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from contracts.settings import Settings
from pocket import services as pocket_services
from pocket.progress import silent

_OWN = (
    "AWS_ENDPOINT_URL_S3",
    "MLFLOW_TRACKING_URI",
    "DRIFTLOOP_HOME",
    "DRIFTLOOP_PREDICTOR_URL",
    "DRIFTLOOP_DATA_BUCKET",
    "K_SINK",
    "KF_PIPELINES_ENDPOINT",
    "KUBECONFIG",
)
"""Variables that would point the tests at servers of whoever runs them."""

_TOGETHER = {"failures"}
"""Folders of tests that share servers."""

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell's background job ignores SIGINT, and so would every program that the tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    # What CI says of a commit must not hang on luck; everywhere else each run tries other examples.
    hypothesis.settings.load_profile("ci")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests run side by side, those of one file stay together, and so do those that share servers they kill.

    The groups that take longest begin first.
    """
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        path = item.path.relative_to(config.rootpath)
        group = next((name for name in _TOGETHER if name in path.parts), str(path))
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not _TOGETHER & set(item.path.parts))


@pytest.fixture(scope="session")
def plain_env() -> dict[str, str]:
    """The environment without any variable that says where a server is."""
    return {name: value for name, value in os.environ.items() if name not in _OWN}


@pytest.fixture(scope="session")
def session_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the session's servers."""
    return tmp_path_factory.mktemp("session") / "home"


@pytest.fixture(scope="session")
def s3_settings(session_home: Path, plain_env: dict[str, str]) -> Iterator[Settings]:
    """Settings of a running S3 server with its buckets."""
    env = pocket_services.up(session_home, plain_env, silent, tracking=False)
    yield Settings.from_env(env)
    pocket_services.down(session_home, silent)


@pytest.fixture(scope="session")
def services(session_home: Path, plain_env: dict[str, str], s3_settings: Settings) -> Settings:
    """Settings of the same S3 server and a running MLflow; `s3_settings` ends both."""
    return Settings.from_env(pocket_services.up(session_home, plain_env, silent))
