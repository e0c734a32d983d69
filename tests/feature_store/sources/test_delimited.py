"""How a CSV file's columns get their types."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from feature_store.sources.delimited import DelimitedFile
from feature_store.sources.source import Table


def column(tmp_path: Path, *values: str) -> pa.ChunkedArray:
    """The column `x` of a CSV file with these fields, as written."""
    path = tmp_path / "trips.csv"
    path.write_text("x,y\n" + "".join(f"{value},0\n" for value in values))
    return pa.Table.from_batches(DelimitedFile(path).batches(Table("trips", None, ("x",)), None)).column("x")


@pytest.mark.parametrize(
    ("fields", "kind", "values"),
    [
        (["1", "-20", "007"], pa.int64(), [1, -20, 7]),
        (["1", "NA", "", "NaN", "null", '"2"'], pa.int64(), [1, None, None, None, None, 2]),
        (["1", "2.5", "1e3", "99999999999999999999"], pa.float64(), [1.0, 2.5, 1000.0, 1e20]),
        (["true", "FALSE", "NA"], pa.bool_(), [True, False, None]),
        (["NA", "", "null"], pa.null(), [None, None, None]),
        (["EWR", "NA", "", '""', "1"], pa.string(), ["EWR", "NA", None, "", "1"]),
        (["1", "2", "many"], pa.string(), ["1", "2", "many"]),
        (["0x1F", "0x20"], pa.string(), ["0x1F", "0x20"]),
        (["true", "2"], pa.string(), ["true", "2"]),
        (["2013-01-01", "2013-01-02"], pa.string(), ["2013-01-01", "2013-01-02"]),
        (['"a ""b"",\nc"', " d "], pa.string(), ['a "b",\nc', " d "]),
    ],
)
def test_type_is_that_of_every_value(
    tmp_path: Path, fields: list[str], kind: pa.DataType, values: list[object]
) -> None:
    """A column has the first type that all its values read as; otherwise it is the text as written."""
    found = column(tmp_path, *fields)

    assert (found.type, found.to_pylist()) == (kind, values)


def test_type_does_not_depend_on_blocks(tmp_path: Path) -> None:
    """One word at the end of a large file makes text of its whole column, from the first row on."""
    count = 400_000

    found = column(tmp_path, *(str(number) for number in range(count)), "many")

    assert found.num_chunks > 2
    assert found.type == pa.string()
    assert (found[0].as_py(), found[count].as_py()) == ("0", "many")


def test_line_breaks_inside_quotes(tmp_path: Path) -> None:
    """Text may go over lines, wherever the blocks of the file begin."""
    count = 200_000

    found = column(tmp_path, *['"one\nand two"'] * count)

    assert found.num_chunks > 1
    assert found.value_counts().to_pylist() == [{"values": "one\nand two", "counts": count}]


def test_time_column_stays_text(tmp_path: Path) -> None:
    """The time column is not read as a number, so that 2013 is no second of 1970."""
    path = tmp_path / "trips.csv"
    path.write_text("at\n2013\n")

    (batch,) = DelimitedFile(path).batches(Table("trips", "at", ("at",)), None)

    assert batch.to_pylist() == [{"at": "2013"}]


def test_header_only(tmp_path: Path) -> None:
    """A file with a header and no rows has columns and no batches."""
    path = tmp_path / "trips.csv"
    path.write_text("x,y\n")
    file = DelimitedFile(path)

    assert file.names == ["x", "y"]
    assert [len(batch) for batch in file.batches(Table("trips", None, ("y",)), None)] in ([], [0])


def test_byte_order_mark(tmp_path: Path) -> None:
    """A byte order mark, as spreadsheets write it, is not part of the first name."""
    path = tmp_path / "trips.csv"
    path.write_bytes(b"\xef\xbb\xbfx,y\n1,2\n")

    assert DelimitedFile(path).names == ["x", "y"]


def test_gzip_in_several_members(tmp_path: Path) -> None:
    """Gzip files that were put one behind the other are one file."""
    path = tmp_path / "trips.csv.gz"
    path.write_bytes(gzip.compress(b"x\n1\n") + gzip.compress(b"2\n"))

    batches = DelimitedFile(path).batches(Table("trips", None, ("x",)), None)

    assert pa.Table.from_batches(batches).to_pydict() == {"x": [1, 2]}
