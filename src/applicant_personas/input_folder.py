"""The folder that the tables come in: every file of it, and whether and how it is read.

A table is a file named as the table or a folder of that name with parts, to any depth. Upper and
lower case are one: exports from Windows come as Persons.CSV. Folders `key=value` below a table's
folder are columns of its rows.
"""

from __future__ import annotations

import difflib
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from applicant_personas.delimited import (
    GZIP_MARK,
    ReadRemote,
    RecordTooLongError,
    inspect,
    opener_of,
)

FORMATS = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".parquet": "parquet",
    ".parq": "parquet",
    ".pq": "parquet",
}
PARQUET_MARK = b"PAR1"
# What files begin with that carry the name of another format, and what they are then.
OTHER_MARKS = {PARQUET_MARK: "a Parquet file", b"PK\x03\x04": "an Excel workbook or a zip archive"}
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("opened_at", pa.string()),
        ("table_name", pa.string()),
        ("location", pa.string()),
        ("format", pa.string()),
        ("is_read", pa.bool_()),
        ("reason", pa.string()),
        ("problem", pa.string()),
        ("columns", pa.list_(pa.string())),
        ("names", pa.list_(pa.string())),
        ("types", pa.list_(pa.string())),
        ("partitions", pa.list_(pa.string())),
        ("n_records", pa.int64()),
        ("delimiter", pa.string()),
        ("encoding", pa.string()),
        ("line_end", pa.string()),
        ("n_lines", pa.int64()),
        ("n_blank_lines", pa.int64()),
        ("is_regular", pa.bool_()),
        ("irregularity", pa.string()),
    ]
)


class ParquetRelation(Protocol):
    """What a database says of a Parquet file without reading its rows."""

    columns: list[str]
    types: Sequence[Any]
    shape: tuple[int, int]


@dataclass(frozen=True)
class Readers:
    """How files are reached that Python does not open by itself.

    Attributes:
        list_remote: the addresses below one with `://`.
        read_remote: the content of such an address.
        open_parquet: a Parquet file as a relation of the database.

    """

    list_remote: Callable[[str], list[str]]
    read_remote: ReadRemote
    open_parquet: Callable[[str], ParquetRelation]

    def listed(self, address: str) -> list[str]:
        """List the addresses below one; raises OSError whatever the database raises."""
        return _or_oserror(lambda: self.list_remote(address))

    def fetch(self, address: str) -> bytes:
        """Read an address; raises OSError whatever the database raises."""
        return _or_oserror(lambda: self.read_remote(address))


T = TypeVar("T")


def _or_oserror(call: Callable[[], T]) -> T:
    try:
        return call()
    except Exception as error:  # each database has errors of its own
        raise OSError(str(error)) from error


@dataclass(frozen=True)
class InputFile:
    """A file of the folder; SCHEMA has its columns.

    Attributes:
        path: as it is shown to people; relative to the project where it is inside.
        opened_at: as a reader opens it, from any working directory.
        table_name: table of the contract that it is, or is a part of.
        location: the file or the folder that is the table.
        format: csv or parquet.
        is_read: its rows are read.
        reason: why it is not read.
        problem: what has to be mended before anything can be read, as a sentence.
        columns: names of the columns, in lower case and without outer blanks.
        names: the same as a reader of the file calls them.
        types: their types in the database.
        partitions: keys of the folders key=value that it is in, outermost first.
        n_records: rows after the header, those that can't be read included.

    The others are those of `DelimitedFile`; a Parquet file is always regular.

    """

    path: str
    opened_at: str
    table_name: str | None = None
    location: str | None = None
    format: str | None = None
    is_read: bool = False
    reason: str | None = None
    problem: str | None = None
    columns: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    partitions: list[str] = field(default_factory=list)
    n_records: int | None = None
    delimiter: str | None = None
    encoding: str | None = None
    line_end: str | None = None
    n_lines: int | None = None
    n_blank_lines: int | None = None
    is_regular: bool = True
    irregularity: str | None = None


def describe_folder(
    folder: str | None, project: str, contract: pd.DataFrame, readers: Readers
) -> pa.Table:
    """Describe every file of a folder, to any depth.

    `folder`: absolute, relative to the folder `project`, or an address with `://`; None where the
    tables are no files. `contract`: table_name, column_name and is_required_column, a row a
    column. Returns SCHEMA, a row a file, ordered by path; none where there is no folder. Raises
    nothing for what a file holds: that is its `problem`.
    """
    tables = {
        str(name): _Table(
            frozenset(columns["column_name"]),
            list(columns.loc[columns["is_required_column"], "column_name"]),
        )
        for name, columns in contract.groupby("table_name")
    }
    try:
        found = _walk(folder, Path(project), readers) if folder else []
    except OSError as error:
        refused = InputFile(str(folder), str(folder), problem=f"{folder} can't be listed: {error}.")
        return pa.Table.from_pylist([asdict(refused)], SCHEMA)
    places = [_place(*file) for file in found]
    delivered = {p.table for p in places if p.format and p.table in tables and not p.is_marker}
    files = [_describe(place, tables, delivered, readers) for place in places]
    return pa.Table.from_pylist([asdict(file) for file in files], SCHEMA)


@dataclass(frozen=True)
class _Table:
    """What the contract says of a table's columns."""

    columns: frozenset[str]
    required: list[str]


@dataclass(frozen=True)
class _Place:
    """Where a file stands in the folder, and what its name says."""

    path: str
    shown: str
    names: tuple[str, ...]
    table: str
    format: str | None

    @property
    def is_part(self) -> bool:
        return len(self.names) > 1

    @property
    def is_marker(self) -> bool:
        """Tell files that systems leave behind, such as _SUCCESS, .DS_Store, .part.crc."""
        is_hidden = any(name.startswith(("_", ".")) and "=" not in name for name in self.names)
        return is_hidden or self.names[-1].lower().endswith(".crc")

    @property
    def location(self) -> str:
        return _utf8(self.shown.removesuffix("/".join(self.names[1:])).rstrip("/"))

    @property
    def partitions(self) -> list[str]:
        return [name.partition("=")[0] for name in self.names[1:-1] if "=" in name]


def _walk(folder: str, project: Path, readers: Readers) -> list[tuple[str, str, tuple[str, ...]]]:
    """List the files as they are opened, as they are shown, and by their names below the folder."""
    if "://" in folder:
        prefix = folder.rstrip("/") + "/"
        paths = readers.listed(prefix)
        return [(path, path, tuple(path.removeprefix(prefix).split("/"))) for path in sorted(paths)]
    home = project.resolve()
    root = (home / Path(folder).expanduser()).resolve()
    shown = root.relative_to(home) if root.is_relative_to(home) else root
    return [
        (str(root.joinpath(*names)), str(shown.joinpath(*names)), names)
        for names in _files_below(root, (), ())
    ]


def _files_below(
    folder: Path, names: tuple[str, ...], above: tuple[Path, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield the names of each file; links are followed, but not back to a folder above."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        if names:
            yield names
        return
    above = (*above, folder.resolve())
    for entry in entries:
        if not entry.is_dir():
            yield (*names, entry.name)
        elif entry.resolve() not in above:
            yield from _files_below(entry, (*names, entry.name), above)


def _place(path: str, shown: str, names: tuple[str, ...]) -> _Place:
    name = names[-1].lower()
    suffix = next((end for end in sorted(FORMATS, key=len)[::-1] if name.endswith(end)), "")
    found = FORMATS.get(suffix)
    is_bare_part = len(names) > 1 and "." not in name
    if found is None and is_bare_part and "://" not in path and _begins(path, PARQUET_MARK):
        found = "parquet"
    return _Place(path, shown, names, names[0].split(".")[0].strip().lower(), found)


def _begins(path: str, mark: bytes) -> bool:
    try:
        with Path(path).open("rb") as file:
            return file.read(len(mark)) == mark
    except OSError:
        return False


def _describe(
    place: _Place, tables: dict[str, _Table], delivered: set[str], readers: Readers
) -> InputFile:
    shown, opened_at = _utf8(place.shown), _utf8(place.path)
    if place.is_marker:
        return InputFile(shown, opened_at, reason="hidden, or a mark that another program left")
    if place.table not in tables:
        reason = _not_a_table(place, list(tables))
        return InputFile(shown, opened_at, format=place.format, reason=reason)
    if place.format is None and not place.is_part and place.table in delivered:
        reason = f"its format is not read; did you mean to save it as {place.table}.csv?"
        return InputFile(shown, opened_at, place.table, reason=reason)
    if place.format is None:
        problem = _of_no_format(place, shown)
        return InputFile(shown, opened_at, place.table, place.location, problem=problem)
    return _read(place, shown, tables[place.table], readers)


def _utf8(text: str) -> str:
    """Give a name of a file as text, whatever its bytes are."""
    return text.encode("utf-8", "replace").decode()


def _not_a_table(place: _Place, tables: list[str]) -> str:
    """Say that nothing is read from a file, and what its name may have meant."""
    inner = place.names[-1].split(".")[0].lower()
    if place.is_part and inner in tables:
        return (
            f"in the folder {place.names[0]}, which is no table; did you mean {inner}, directly "
            "in the input folder?"
        )
    kind = "no table has the name of its folder" if place.is_part else "no table has its name"
    near = _nearest(place.table, tables)
    return f"{kind}; did you mean {near}?" if near else kind


def _nearest(name: str, tables: list[str]) -> str | None:
    """Find the table that a name is nearly, or that stands in it beside something else."""
    plain = re.sub(r"[^a-z]+", "_", name).strip("_")
    within = [table for table in tables if f"_{table}_" in f"_{plain}_"]
    if within:
        return max(within, key=len)
    return next(iter(difflib.get_close_matches(plain, tables, n=1, cutoff=0.75)), None)


def _of_no_format(place: _Place, shown: str) -> str:
    try:
        if "://" not in place.path:
            _head(place.path)
    except OSError as error:
        return f"{shown} can't be read ({error.strerror}); export it again, or remove it."
    belongs = "folder of the table" if place.is_part else "table"
    return (
        f"the {belongs} {place.table} has {shown}, a format that is not read; save it as "
        f"{place.table}.csv or {place.table}.parquet, or move it elsewhere."
    )


class _UnreadableError(ValueError):
    """The file is not what its name says; the text goes on after the name of the file."""


def _read(place: _Place, shown: str, table: _Table, readers: Readers) -> InputFile:
    try:
        if _utf8(place.path) != place.path:
            raise _UnreadableError("has a name that is no UTF-8 text; rename it")
        content = _content(place, table, readers)
    except _UnreadableError as error:
        return InputFile(
            shown, _utf8(place.path), place.table, place.location, problem=f"{shown} {error}."
        )
    columns = list(map(_plain, content["names"]))
    # A column that the file has itself wins over a folder's.
    partitions = [name for name in place.partitions if _plain(name) not in columns]
    problem = _problem_of_columns(place.table, table, columns + list(map(_plain, partitions)))
    return InputFile(
        shown,
        place.path,
        place.table,
        place.location,
        place.format,
        is_read=problem is None,
        problem=f"{shown} {problem}." if problem else None,
        columns=columns,
        partitions=partitions,
        **content,
    )


def _content(place: _Place, table: _Table, readers: Readers) -> dict[str, Any]:
    """Give what is known of a file's content; raises _UnreadableError."""
    try:
        if place.format == "parquet":
            return _parquet(place, readers)
        return _delimited(place, table, readers)
    except RecordTooLongError as error:
        raise _UnreadableError(f"has {error}; close the quote, or shorten the value") from error
    except EOFError as error:
        raise _UnreadableError(
            "is cut off (Unexpected end of GZIP stream); export it again, or remove it"
        ) from error
    except (OSError, zlib.error) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise _UnreadableError(f"can't be read ({said}); export it again, or remove it") from error


def _plain(name: str) -> str:
    return name.strip().lower()


def _delimited(place: _Place, table: _Table, readers: Readers) -> dict[str, Any]:
    is_named_packed = place.path.lower().endswith(".gz")
    head = b"" if "://" in place.path else _checked_head(place.path, is_named_packed)
    found = inspect(opener_of(place.path, readers.fetch), table.columns)
    if not found.columns:
        raise _UnreadableError(
            "is empty, without even a header; give it a line of column names, or remove it"
        )
    if found.header.count('"') % 2:
        raise _UnreadableError(
            "has a quote that is not closed in the header of its columns: "
            f"{found.header[:200]}; mend the first line of the file"
        )
    known = asdict(found)
    del known["header"]
    known |= {"names": known.pop("columns"), "types": ["VARCHAR"] * len(found.columns)}
    if head.startswith(GZIP_MARK) and not is_named_packed:
        known |= {"is_regular": False, "irregularity": "packed, though its name does not say so"}
    return known


def _head(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(4)


def _checked_head(path: str, is_named_packed: bool) -> bytes:
    """Read the first bytes of a delimited file, which must not be those of another format."""
    head = _head(path)
    if is_named_packed and not head:
        raise _UnreadableError("is empty; export it again, or remove it")
    if is_named_packed and not head.startswith(GZIP_MARK):
        raise _UnreadableError("is no gzip file; export it again, or remove it")
    for mark, kind in OTHER_MARKS.items():
        if head.startswith(mark):
            raise _UnreadableError(f"is {kind} by its content; name it so, or save it as CSV")
    return head


def _parquet(place: _Place, readers: Readers) -> dict[str, Any]:
    if "://" not in place.path:
        _check_parquet(Path(place.path))
    return _or_oserror(lambda: _described_parquet(place.path, readers))


def _described_parquet(path: str, readers: Readers) -> dict[str, Any]:
    relation = readers.open_parquet(path)
    # The database renames a column whose name differs from another's by case alone.
    names = relation.columns if "://" in path else pq.read_schema(path).names
    return {
        "names": list(names),
        "types": list(map(str, relation.types)),
        "n_records": relation.shape[0],
    }


def _check_parquet(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, size - 4))
        tail = file.read()
    again = "export it again, or remove it"
    if not size:
        raise _UnreadableError(f"is empty; {again}")
    if head != PARQUET_MARK:
        raise _UnreadableError(f"is no Parquet file; {again}")
    if tail != PARQUET_MARK:
        raise _UnreadableError(
            f"is cut off: it begins as a Parquet file and does not end as one; {again}"
        )


def _problem_of_columns(name: str, table: _Table, columns: list[str]) -> str | None:
    """Say which column is missing, or is there more than once."""
    for required in table.required:
        if required not in columns:
            return (
                f"has no column {required}, which the table {name} requires "
                f"(found {_shortened(columns)}); add it or rename the column that holds it"
            )
    seen: set[str] = set()
    for column in columns:
        if column in seen and (column in table.columns or column.startswith("x_")):
            return (
                f"has {columns.count(column)} columns named {column} (upper and lower case are "
                "one); rename or remove all but one"
            )
        seen.add(column)
    return None


def _shortened(names: list[str]) -> str:
    more = len(names) - 12
    return ", ".join(name[:60] for name in names[:12]) + (f" and {more} more" if more > 0 else "")
