"""What reading objects fails with, on a real server."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace

import pyarrow as pa
import pytest

from contracts.errors import ConfigError, DataError, UnavailableError
from contracts.objects import ObjectStore
from contracts.settings import Settings
from feature_store.sources.objects import ObjectsSource
from tests.contracts.cut_line import cut_line
from tests.feature_store.sources.kept import ROW_GROUP_ROWS, parquet
from tests.feature_store.sources.numbered import NUMBERS, Put, numbers, of

WHOLE = parquet(pa.table({"n": range(2 * ROW_GROUP_ROWS)}))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("trips.parquet", b""),
        ("trips.parquet", WHOLE[: len(WHOLE) // 2]),
        ("trips.parquet", WHOLE[:-1]),
        ("trips.parquet", WHOLE[:1000] + bytes(2000) + WHOLE[3000:]),
        ("trips.parquet", b"n\n1\n"),
        ("trips.csv", b""),
        ("trips.csv", b"n,m\n1,2\n3\n"),
        ("trips.csv", b"n,m\n1,2\n3,4,5\n"),
        ("trips.csv", b"n\nn\xe9e\n"),
        ("trips.csv.gz", b"n\n1\n"),
        ("trips.csv.gz", gzip.compress(os.urandom(9000).hex().encode())[:-2000]),
    ],
    ids=[
        "empty-parquet", "half-a-parquet", "parquet-without-end", "zeros-in-parquet", "csv-called-parquet",
        "empty-csv", "short-row", "long-row", "not-utf8", "csv-called-gzip", "cut-gzip",
    ],
)  # fmt: skip
def test_damaged_object(put: Put, name: str, body: bytes) -> None:
    """A damaged object is named, with what to do, and none of it becomes a shorter table."""
    source = put({name: body})

    with pytest.raises(DataError, match=r"damaged or not the format its name says .* Write the object again") as caught:
        numbers(source)

    assert f"/{name} is" in str(caught.value)


def test_row_of_a_malformed_csv(put: Put) -> None:
    """The error of a malformed CSV says which row is wrong."""
    with pytest.raises(DataError, match="Row #3: Expected 2 columns, got 1"):
        numbers(put({"trips.csv": b"n,m\n1,2\n3\n"}))


def test_column_twice(put: Put) -> None:
    """A column that is there twice is refused, as nobody knows which is meant."""
    with pytest.raises(
        DataError, match=r"Column 'n' is there more than once in table 'trips' in .*; found \['n', 'm', 'n'\]"
    ):
        numbers(put({"trips.csv": b"n,m,n\n1,2,3\n"}))


def test_wrong_credentials(s3_settings: Settings, put: Put, prefix: str) -> None:
    """Wrong keys are the user's to mend."""
    put({"trips.parquet": of(1)})
    settings = replace(s3_settings, s3_secret_key="wrong")

    with pytest.raises(ConfigError, match="credentials"):
        numbers(ObjectsSource(ObjectStore(settings), prefix))


def test_no_such_bucket(s3_settings: Settings) -> None:
    """A bucket that does not exist is DataError."""
    with pytest.raises(DataError, match="no-such-bucket"):
        numbers(ObjectsSource(ObjectStore(s3_settings), "s3://no-such-bucket/x"))


def test_server_away(s3_settings: Settings) -> None:
    """A server that does not answer is UnavailableError."""
    source = ObjectsSource(ObjectStore(replace(s3_settings, s3_endpoint="http://127.0.0.1:1")), "s3://bucket/x")

    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1"):
        numbers(source)


def test_server_lost_midway(s3_settings: Settings, put: Put, prefix: str) -> None:
    """A server that is lost between two objects is UnavailableError: never a short table."""
    put({"trips/1.parquet": of(1), "trips/2.csv": b"n\n" + b"22222222\n" * 500_000})
    host, _, port = s3_settings.s3_host.partition(":")

    with cut_line(host, int(port), allowance=2_000_000) as line:
        broken = ObjectStore(replace(s3_settings, s3_endpoint=f"http://127.0.0.1:{line}"))
        batches = ObjectsSource(broken, prefix).read(NUMBERS, None)
        assert next(batches).to_pydict() == {"n": [1]}
        with pytest.raises(UnavailableError, match=r"trips/2\.csv"):
            list(batches)
