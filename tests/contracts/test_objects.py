"""The door to S3, on a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.errors import DataError
from contracts.objects import ObjectStore, split


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


def test_split_keeps_the_key() -> None:
    """Every character after the bucket belongs to the key, for S3 knows no query and no fragment."""
    assert split("s3://bucket/a/b?c#d") == ("bucket", "a/b?c#d")
    assert split("s3://bucket") == ("bucket", "")
