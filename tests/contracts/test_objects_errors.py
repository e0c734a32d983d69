"""What the door to S3 fails with, on a real server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ConfigError, DataError, UnavailableError
from contracts.objects import ObjectStore, split
from contracts.settings import Settings
from tests.contracts.cut_line import cut_line

BIG = 4_000_000

Ask = Callable[[ObjectStore, str, Path], object]


ASKED: dict[str, Ask] = {
    "get": lambda store, uri, folder: store.get(uri),
    "get_file": lambda store, uri, folder: store.get_file(uri, folder / "file"),
    "get_folder": lambda store, uri, folder: store.get_folder(uri, folder),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_missing(store: ObjectStore, place: str, tmp_path: Path, ask: Ask) -> None:
    """An object or a bucket that is not there is DataError, and leaves no file."""
    for uri in (place, "s3://no-such-bucket/object"):
        with pytest.raises(DataError, match=uri):
            ask(store, uri, tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"s3_secret_key": "wrong"}, {"s3_access_key": "wrong"}], ids=["secret", "key"])
@pytest.mark.parametrize("ask", [*ASKED.values(), lambda store, uri, folder: store.put(uri, b"")], ids=[*ASKED, "put"])
def test_wrong_credentials(s3_settings: Settings, place: str, tmp_path: Path, wrong: dict[str, Any], ask: Ask) -> None:
    """Wrong keys are the user's to mend, and are not repeated."""
    with pytest.raises(ConfigError, match=r"Check the AWS_\* credentials") as caught:
        ask(ObjectStore(replace(s3_settings, **wrong)), place, tmp_path)

    assert s3_settings.s3_secret_key not in str(caught.value)


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_no_credentials(name: str) -> None:
    """Each of the two keys that is not set is named."""
    both = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}

    with pytest.raises(ConfigError, match=f"No S3 credentials: {name} is not set"):
        ObjectStore(Settings.from_env({**both, name: ""}))


def test_server_stopped(s3_settings: Settings, place: str) -> None:
    """A server that does not answer is UnavailableError with its address."""
    settings = replace(s3_settings, s3_endpoint="http://127.0.0.1:1")

    with pytest.raises(UnavailableError, match=r"The S3 server at http://127\.0\.0\.1:1 does not answer"):
        ObjectStore(settings).get(place)


def test_server_lost_midway(s3_settings: Settings, store: ObjectStore, place: str, tmp_path: Path) -> None:
    """A download that breaks off is UnavailableError, never a short file."""
    store.put(place, bytes(BIG))
    host, _, port = s3_settings.s3_host.partition(":")

    with cut_line(host, int(port), allowance=BIG // 2) as line:
        broken = ObjectStore(replace(s3_settings, s3_endpoint=f"http://127.0.0.1:{line}"))
        with pytest.raises(UnavailableError):
            broken.get_file(place, tmp_path / "file")

    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("uri", ["bucket/key", "http://bucket/key", "s3://", "s3:///key", "/tmp/file", ""])
def test_what_is_no_address(uri: str) -> None:
    """An address that is not s3://bucket/key is quoted with the form it should have."""
    with pytest.raises(ConfigError, match=r"is not an S3 address\. Write it as s3://bucket/path"):
        split(uri)


@pytest.mark.parametrize("uri", ["s3://b/key", "s3://two..dots/key", "s3://bucket"])
def test_names_that_cannot_be(store: ObjectStore, uri: str) -> None:
    """A name that no bucket or object can have is the user's to mend."""
    with pytest.raises(ConfigError, match="is not an S3 address: "):
        store.get(uri)
