"""The door to S3, on a real server."""

from __future__ import annotations

import re
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


@pytest.fixture
def store(s3_settings: Settings) -> ObjectStore:
    """The session's server."""
    return ObjectStore(s3_settings)


@pytest.fixture
def place(request: pytest.FixtureRequest, s3_settings: Settings) -> str:
    """A prefix of the test's own."""
    return f"s3://{s3_settings.data_bucket}/contracts/{re.sub(r'[^a-z0-9_]', '-', request.node.name)}"


@pytest.mark.parametrize("name", ["plain", "deep/er", "naïve 東京", "a#b?c&d=%20+e", "body.tar.gz"])
@pytest.mark.parametrize("body", [b"", b"body", bytes(range(256)) * 40_000])
def test_bytes_come_back(store: ObjectStore, place: str, name: str, body: bytes) -> None:
    """What is put is got, whatever its size and name."""
    store.put(f"{place}/{name}", body)

    assert store.get(f"{place}/{name}") == body
    assert list(store.names(f"{place}/")) == [f"{place}/{name}"]


def test_put_replaces(store: ObjectStore, place: str) -> None:
    """An object is what was put last."""
    store.put(place, b"first")
    store.put(place, b"second")

    assert store.get(place) == b"second"


def test_files_come_back(store: ObjectStore, place: str, tmp_path: Path) -> None:
    """A file is stored and fetched, into folders that are made for it."""
    (tmp_path / "here").write_bytes(b"body")

    store.put_file(f"{place}/file", tmp_path / "here")
    store.get_file(f"{place}/file", tmp_path / "to" / "there")

    assert (tmp_path / "to" / "there").read_bytes() == b"body"


def test_names_are_sorted_and_of_the_prefix(store: ObjectStore, place: str) -> None:
    """All names below a prefix, at any depth, and none of its neighbours."""
    for name in ("in/b", "in/a/c", "in.side", "out"):
        store.put(f"{place}/{name}", b"x")

    assert list(store.names(f"{place}/in/")) == [f"{place}/in/a/c", f"{place}/in/b"]
    assert list(store.names(f"{place}/nothing/")) == []


def test_folder_comes_back(store: ObjectStore, place: str, tmp_path: Path) -> None:
    """A prefix becomes a folder; model-10 is no part of model-1."""
    for name in ("model-1/card", "model-1/drift/reference", "model-10/card"):
        store.put(f"{place}/{name}", name.encode())

    store.get_folder(f"{place}/model-1", tmp_path)

    found = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"card": "model-1/card", "drift/reference": "model-1/drift/reference"}


def test_missing_folder(store: ObjectStore, place: str, tmp_path: Path) -> None:
    """A prefix with nothing under it is DataError, not an empty folder."""
    with pytest.raises(DataError, match="Nothing is stored under s3://"):
        store.get_folder(place, tmp_path)


@pytest.mark.parametrize("name", ["../outside", "deep/../../outside", "/etc/outside"])
def test_folder_that_escapes(
    store: ObjectStore, place: str, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that would be written outside its folder is refused (most servers do not even store such a key)."""
    monkeypatch.setattr(store, "names", lambda prefix: iter([prefix + name]))

    with pytest.raises(DataError, match="would be written outside its folder"):
        store.get_folder(place, tmp_path / "folder")


def test_metadata_tells_what_is_there(store: ObjectStore, place: str) -> None:
    """Metadata is a mapping with lower-case keys for an object that is there, and None for one that is not."""
    store.put(f"{place}/here", b"body")

    assert (store.metadata(f"{place}/here") or {})["content-length"] == "4"
    assert store.metadata(f"{place}/there") is None
    assert store.metadata("s3://no-such-bucket/there") is None


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


def test_split_keeps_the_key() -> None:
    """Every character after the bucket belongs to the key, for S3 knows no query and no fragment."""
    assert split("s3://bucket/a/b?c#d") == ("bucket", "a/b?c#d")
    assert split("s3://bucket") == ("bucket", "")
