"""Delimited files in any state: what is fine is read, what is not costs its own line alone."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from applicant_personas.delimited import (
    Record,
    RecordTooLongError,
    inspect,
    read_files,
    read_records,
    split_record,
)

DELIMITERS = [",", ";", "\t", "|"]
ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16",
    "utf-16-be": "utf-16",
    "cp1252": "windows-1252",
}
# Line ends, quotes and delimiters within values, beside letters that every encoding has.
VALUES = st.text(alphabet="ab1 ,;\t|\"\n\r'éß", max_size=6)
HEADER = ["person_id", "x_1", "x_2"]
BAD_LINES = {
    "too few": "missing columns",
    "a,b,c,d": "too many columns",
    '"closed" and more,b,c': "text after a closing quote",
    'a,"open,b': "unterminated quote",
    "a,\0,c": "zero byte",
}


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    n_columns = draw(st.integers(2, 5))
    rows = st.lists(VALUES, min_size=n_columns, max_size=n_columns)
    return draw(st.lists(rows, max_size=8))


def opened(content: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(content)


def csv_text(rows: list[list[str]], delimiter: str = ",", line_end: str = "\n") -> str:
    """Write as RFC 4180 says; the csv module leaves some line ends without quotes."""
    names = [f"c{number}" for number in range(len(rows[0]) if rows else 2)]
    lines = [delimiter.join(quoted(value, delimiter) for value in row) for row in [names, *rows]]
    return "".join(line + line_end for line in lines)


def quoted(value: str, delimiter: str) -> str:
    is_safe = not any(character in value for character in ['"', "\r", "\n", delimiter])
    return value if is_safe else '"' + value.replace('"', '""') + '"'


def accounted(records: list[Record], n_blank: int) -> int:
    """Lines that are in the header, a blank line, a record or a reject."""
    return 1 + n_blank + sum(record.n_lines for record in records)


@given(
    rows=tables(),
    delimiter=st.sampled_from(DELIMITERS),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from([*ENCODINGS]),
    is_ended=st.booleans(),
)
def test_a_well_formed_file_is_read_as_it_was_written(
    rows: list[list[str]], delimiter: str, line_end: str, encoding: str, is_ended: bool
) -> None:
    text = csv_text(rows, delimiter, line_end)
    content = (text if is_ended else text.removesuffix(line_end)).encode(encoding)
    found = inspect(opened(content), delimiter=delimiter)
    records = list(read_records(opened(content), delimiter, found.encoding))
    assert [record.fields for record in records] == rows
    assert found.n_records == len(rows)
    assert found.n_lines == accounted(records, found.n_blank_lines)
    if not content.isascii():
        assert found.encoding == ENCODINGS[encoding]
    if found.is_regular:
        again = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        assert list(again)[1:] == rows


@given(
    rows=st.lists(st.lists(st.text("ab1 é\n", max_size=4), min_size=3, max_size=3), max_size=6),
    bad=st.lists(st.tuples(st.integers(0, 6), st.sampled_from([*BAD_LINES])), max_size=4),
    blanks=st.integers(0, 2),
)
@example(rows=[["a", "x\ny", "b"]], bad=[(0, 'a,"open,b'), (1, 'a,"open,b')], blanks=1)
def test_a_bad_line_costs_that_line_alone(
    rows: list[list[str]], bad: list[tuple[int, str]], blanks: int
) -> None:
    blocks = [csv_text([row]).partition("\n")[2] for row in rows]
    for place, line in sorted(bad, reverse=True):
        blocks.insert(min(place, len(blocks)), line + "\n")
    content = ("a,b,c\n" + "\n" * blanks + "".join(blocks)).encode()
    records = list(read_records(opened(content), ",", "utf-8"))
    assert [record.fields for record in records if record.fields] == rows
    rejected = [
        (record.text, (record.reason or "").split(":")[0]) for record in records if record.reason
    ]
    assert sorted(rejected) == sorted((line, BAD_LINES[line]) for _, line in bad)
    lines = content.decode().split("\n")
    assert all(lines[r.line_number - 1] == r.text for r in records if r.reason)
    found = inspect(opened(content), delimiter=",")
    assert found.n_records == len(rows) + len(bad)
    if not found.is_regular:
        assert found.n_lines == accounted(records, found.n_blank_lines)


@given(st.binary(max_size=200), st.sampled_from(DELIMITERS))
@example(b"\xff", ",")
@example(b"\n\n", ",")
@example(b"a,b\r1,2\r\n3,4\n5\r", ",")
def test_any_bytes_are_accounted_for(content: bytes, delimiter: str) -> None:
    found = inspect(opened(content), delimiter=delimiter)
    records = list(read_records(opened(content), delimiter, found.encoding))
    assume(records or found.n_records == 0)
    assert found.n_records == len(records)
    if found.n_lines and not found.is_regular:
        assert found.n_lines == accounted(records, found.n_blank_lines)
    assert all((record.fields is None) != (record.reason is None) for record in records)


def test_a_stray_quote_in_a_long_file_costs_one_line() -> None:
    lines = ["id,note", '1,"stray', *(f"{n},fine" for n in range(2, 1_050))]
    content = "\n".join(lines).encode()
    records = list(read_records(opened(content), ",", "utf-8"))
    assert [record.line_number for record in records if record.reason] == [2]
    assert len(records) == len(lines) - 1
    found = inspect(opened(content), delimiter=",")
    assert (found.is_regular, found.irregularity) == (False, "unterminated quote")


def test_a_record_is_bounded_by_its_size_not_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = "\n".join(f'{n},""note""' for n in range(20_000))
    content = f'id,note\n1,"{cell}"\n2\n'.encode()
    records = list(read_records(opened(content), ",", "utf-8"))
    assert [record.n_lines for record in records] == [20_000, 1]
    assert inspect(opened(content), delimiter=",").n_records == 2
    # The database's reader takes no record as long as that, though each line is short.
    long = f'id,note\n1,"{cell}"\n'.encode()
    assert not inspect(opened(long), delimiter=",").is_regular
    monkeypatch.setattr("applicant_personas.delimited.MAX_RECORD_CHARACTERS", 1_000)
    with pytest.raises(RecordTooLongError, match="begins on line 2"):
        list(read_records(opened(content), ",", "utf-8"))


@pytest.mark.parametrize(
    ("content", "line_end", "is_regular"),
    [
        (b"a,b\n1,2\n", "lf", True),
        (b"a,b\r\n1,2\r\n", "crlf", True),
        (b"a,b\n1,2\n3\n", "lf", False),
        (b'a,b\n"1",2\n', "lf", True),
        (b'a,b\n"1",2\n3\n', "lf", False),
        (b"a,b\r1,2\r", "cr", False),
        (b"a,b\r\n1,2\n", "mixed", False),
        (b"a\n1\n", "lf", False),
        (b"a,b\n\n1,2\n", "lf", True),
        (b"a,b", "none", True),
        (b"a,b\n\xe9,2\n", "lf", False),
    ],
)
def test_what_is_regular(content: bytes, line_end: str, is_regular: bool) -> None:
    found = inspect(opened(content), delimiter=",")
    assert (found.line_end, found.is_regular) == (line_end, is_regular)
    assert (found.irregularity is None) == is_regular


def test_a_quote_within_a_value_is_a_character() -> None:
    assert split_record('a,6" tall,c', ",") == ["a", '6" tall', "c"]
    assert split_record('"a""b",,"c,d"', ",") == ['a"b', "", "c,d"]


def test_files_are_read_wherever_they_are(tmp_path: Path) -> None:
    content = "id;größe\n1;2\n\n3\n".encode("cp1252")
    (tmp_path / "persons.csv.gz").write_bytes(gzip.compress(content))
    paths = [str(tmp_path / "persons.csv.gz"), "s3://bucket/persons.csv"]
    files = pd.DataFrame(
        {
            "table_name": "persons",
            "path": paths,
            "opened_at": paths,
            "delimiter": ";",
            "encoding": "windows-1252",
        }
    )
    read = read_files(files, lambda path: content).read_pandas()
    assert [list(fields) for fields in read["fields"].dropna()] == [["1", "2"]] * 2
    assert read["reason"].dropna().tolist() == ["missing columns: 1 of 2"] * 2
    assert read["line_number"].tolist() == [2, 4] * 2
    assert read_files(files[:0], lambda path: content).read_all().num_rows == 0
