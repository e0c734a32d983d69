"""A model folder on a real S3 server."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from predictor_process import Bundle, Server, command, free_port

from contracts.errors import DriftloopError, from_line
from contracts.model import CARD, sha256_of
from contracts.objects import ObjectStore
from contracts.settings import Settings

Serve = Callable[..., Server]


@pytest.fixture(scope="module")
def prefix(flights: Bundle, s3_settings: Settings) -> str:
    """Address of a good model folder; next to it lies a longer one that must not be read."""
    uri = f"s3://{s3_settings.data_bucket}/models/m-1"
    store = ObjectStore(s3_settings)
    for path in flights.folder.iterdir():
        store.put_file(f"{uri}/{path.name}", path)
    store.put(f"{uri}0/model.pkl", b"")
    return uri


def test_a_good_folder_is_served(
    prefix: str, flights: Bundle, s3_settings: Settings, serve: Serve, tmp_path: Path
) -> None:
    """The model is downloaded, verified and served; nothing of the download stays."""
    digest = sha256_of(flights.folder / CARD)
    env = _env(s3_settings, tmp_path)
    server = serve(flights.folder, "--model-uri", prefix, "--card-sha256", digest, env=env)
    assert flights.card.model_sha256[:12] in server.get("/v2/models/flights")[1].decode()
    assert list((tmp_path / "tmp").iterdir()) == []
    assert server.end() == 0


def test_nothing_there(s3_settings: Settings, tmp_path: Path) -> None:
    """An empty prefix is a data error that names it."""
    uri = f"s3://{s3_settings.data_bucket}/models/none"
    assert uri in _ended(uri, 3, _env(s3_settings, tmp_path)).what


def test_a_missing_object(prefix: str, flights: Bundle, s3_settings: Settings, tmp_path: Path) -> None:
    """A listed file that is not stored is an integrity error."""
    uri = f"s3://{s3_settings.data_bucket}/models/half"
    ObjectStore(s3_settings).put_file(f"{uri}/{CARD}", flights.folder / CARD)
    assert "model.ubj is missing" in _ended(uri, 8, _env(s3_settings, tmp_path)).what


def test_a_changed_object(flights: Bundle, s3_settings: Settings, tmp_path: Path) -> None:
    """A file that is not the registered one is an integrity error, and the download is removed."""
    uri = f"s3://{s3_settings.data_bucket}/models/changed"
    ObjectStore(s3_settings).put_file(f"{uri}/{CARD}", flights.folder / CARD)
    ObjectStore(s3_settings).put(f"{uri}/model.ubj", b"{}")
    assert "model.ubj has sha256" in _ended(uri, 8, _env(s3_settings, tmp_path)).what
    assert list((tmp_path / "tmp").iterdir()) == []


def test_wrong_credentials(prefix: str, s3_settings: Settings, tmp_path: Path) -> None:
    """A refused key is a configuration error, and so is none."""
    for key in ("nobody", ""):
        settings = dataclasses.replace(s3_settings, s3_access_key=key)
        assert "AWS_" in str(_ended(prefix, 2, _env(settings, tmp_path)))


def test_no_server(prefix: str, s3_settings: Settings, tmp_path: Path) -> None:
    """A server that does not answer is told as that."""
    settings = dataclasses.replace(s3_settings, s3_endpoint=f"http://127.0.0.1:{free_port()}")
    assert settings.s3_endpoint in _ended(prefix, 4, _env(settings, tmp_path)).what


def test_no_address(s3_settings: Settings, tmp_path: Path) -> None:
    """Another kind of address is a configuration error."""
    assert "is not an S3 address" in _ended("/mnt/models", 2, _env(s3_settings, tmp_path)).what


def _ended(uri: str, code: int, env: dict[str, str]) -> DriftloopError:
    line = command("--name", "flights", "--model-uri", uri, "--http-port", str(free_port()), "--grpc-port", "0")
    process = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert (process.returncode, "Traceback" in process.stderr) == (code, False), process.stderr
    (error,) = filter(None, map(from_line, process.stderr.splitlines()))
    return error


def _env(settings: Settings, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tmp").mkdir(exist_ok=True)
    return {
        "PATH": "/usr/bin:/bin",
        "TMPDIR": str(tmp_path / "tmp"),
        "AWS_ENDPOINT_URL_S3": settings.s3_endpoint,
        "AWS_ACCESS_KEY_ID": settings.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key,
    }
