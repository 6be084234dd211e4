"""Delimited text files as they come: what state a file is in, and its records whatever that is.

A *regular* file can be read by any reader. Every other one is read here, record by record: a line
that is no record is set apart with its reason, and reading goes on at the next line, so that one
stray quote costs one line. Each line of a file is in exactly one of header, blank, record, reject.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

# A record is bounded by its size, however many lines it has: a longer one is no slip of a quote.
MAX_RECORD_CHARACTERS = 64 * 1024 * 1024
# Longer lines, and longer records, are beyond what database readers take.
MAX_LINE_BYTES = 1_000_000
DELIMITERS = (",", ";", "\t", "|")
CHUNK_BYTES = 8 * 1024 * 1024
LINE_ENDS = {"\r\n": "crlf", "\n": "lf", "\r": "cr"}
GZIP_MARK = b"\x1f\x8b"
UNTERMINATED = "unterminated quote"
TEXT_AFTER_QUOTE = "text after a closing quote"
ZERO_BYTE = "zero byte"
RECORDS_SCHEMA = pa.schema(
    [
        ("table_name", pa.string()),
        ("path", pa.string()),
        ("line_number", pa.int64()),
        ("n_lines", pa.int64()),
        ("fields", pa.list_(pa.string())),
        ("raw_text", pa.string()),
        ("reason", pa.string()),
    ]
)
BATCH_ROWS = 50_000
_QUOTED = re.compile(r'"((?:[^"]|"")*)"(?!")')


@dataclass(frozen=True)
class DelimitedFile:
    """The state of a file.

    Attributes:
        header: first line that is not blank, without its end.
        columns: the names in it, without their quotes.
        delimiter: what divides the values.
        encoding: utf-8, utf-16, windows-1252 or latin-1.
        line_end: lf, crlf, cr or mixed; none where the file has one line.
        n_lines: physical lines, the header and blank ones included.
        n_blank_lines: lines without a character, outside of quoted values.
        n_records: records after the header, those that can't be read included.
        is_regular: any reader that knows the delimiter reads it right.
        irregularity: why it is not regular, in words; None where it is.

    """

    header: str
    columns: list[str]
    delimiter: str
    encoding: str
    line_end: str
    n_lines: int
    n_blank_lines: int
    n_records: int
    is_regular: bool
    irregularity: str | None


@dataclass(frozen=True)
class Record:
    """A record after the header, or a line that is none.

    `line_number` counts physical lines from 1, `n_lines` those that the record spans. Of `fields`
    and `reason` one is None; `text` is the raw text without its line end.
    """

    line_number: int
    n_lines: int
    text: str
    fields: list[str] | None
    reason: str | None


class _UnclosedError(ValueError):
    """A quoted value is still open at the end of the text, after `n_closed` others."""

    def __init__(self, n_closed: int) -> None:
        super().__init__(UNTERMINATED)
        self.n_closed = n_closed


class _MalformedError(ValueError):
    """The text can't be divided into values."""


class RecordTooLongError(ValueError):
    """A quoted value goes on for more than a record may hold; its text says from which line."""


ReadRemote = Callable[[str], bytes]


def read_files(files: pd.DataFrame, read_remote: ReadRemote) -> pa.RecordBatchReader:
    """Read files record by record, as `read_records` does, in batches.

    `files`: table_name, path, opened_at, delimiter and encoding of each; addresses with `://` are
    fetched by `read_remote`. Returns RECORDS_SCHEMA: of a record its fields, of a line that is none
    its raw text and the reason. Raises OSError where a file can't be read or unpacked, and
    RecordTooLongError.
    """
    rows = _record_rows(files, read_remote)
    batches = iter(lambda: list(islice(rows, BATCH_ROWS)), [])
    return pa.RecordBatchReader.from_batches(
        RECORDS_SCHEMA,
        (pa.RecordBatch.from_pylist(batch, RECORDS_SCHEMA) for batch in batches),
    )


def _record_rows(files: pd.DataFrame, read_remote: ReadRemote) -> Iterator[dict[str, Any]]:
    for file in files.to_dict("records"):
        opener = opener_of(str(file["opened_at"]), read_remote)
        for record in read_records(opener, str(file["delimiter"]), str(file["encoding"])):
            yield {
                "table_name": file["table_name"],
                "path": file["path"],
                "line_number": record.line_number,
                "n_lines": record.n_lines,
                "fields": record.fields,
                "raw_text": record.text if record.reason else None,
                "reason": record.reason,
            }


def opener_of(path: str, read_remote: ReadRemote) -> Callable[[], BinaryIO]:
    """Give what opens a file at its beginning, unpacked, as often as it is called.

    Paths with `://` are fetched once, by `read_remote`.
    """
    if "://" not in path:
        return lambda: open_file(Path(path))
    content = read_remote(path)
    is_packed = content.startswith(GZIP_MARK)
    plain = gzip.decompress(content) if is_packed else content
    return lambda: io.BytesIO(plain)


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading bytes, unpacked where its first bytes say gzip."""
    with path.open("rb") as file:
        is_packed = file.read(2) == GZIP_MARK
    return gzip.open(path) if is_packed else path.open("rb")  # type: ignore[return-value]


def inspect(
    opened: Callable[[], BinaryIO], known: Collection[str] = (), delimiter: str | None = None
) -> DelimitedFile:
    """Find the state of a file, in passes of bounded memory.

    `opened` opens the file at its beginning, as often as it is called; `known`: names of columns
    that may be expected, which tell the delimiter where it is not given. Raises OSError or EOFError
    where the file can't be read or unpacked, and RecordTooLongError.
    """
    encoding, is_plain = _encoding(opened)
    with _text(opened, encoding) as text:
        header = next(filter(None, map(_without_end, text)), "").replace("\ufeff", "")
    start = _Start(header, encoding, delimiter or find_delimiter(header, known))
    if is_plain and (found := _inspect_plain(opened, start)) is not None:
        return found
    if encoding == "utf-8" and (found := _inspect_quoted(opened, start)) is not None:
        return found
    return _inspect_irregular(opened, start)


@dataclass(frozen=True)
class _Start:
    """What the beginning of a file says of the whole."""

    header: str
    encoding: str
    delimiter: str

    def describe(
        self,
        line_end: str,
        n_lines: int,
        n_blank_lines: int,
        n_records: int,
        irregularity: str | None = None,
    ) -> DelimitedFile:
        columns = split_header(self.header, self.delimiter) if self.header else []
        return DelimitedFile(
            self.header,
            columns,
            self.delimiter,
            self.encoding,
            line_end,
            n_lines,
            n_blank_lines,
            n_records,
            irregularity is None,
            irregularity,
        )


def find_delimiter(header: str, known: Collection[str]) -> str:
    """Choose the delimiter that makes most known columns of a header; else most columns."""

    def score(delimiter: str) -> tuple[int, int]:
        names = [name.strip().lower() for name in split_header(header, delimiter)]
        return sum(name in known for name in names), len(names)

    return max(DELIMITERS, key=score)


def read_records(opened: Callable[[], BinaryIO], delimiter: str, encoding: str) -> Iterator[Record]:
    """Read a file record by record, recovering after every line that is no record.

    A record begun on a line is joined with the following ones while a quoted value is open,
    however many they are. Where that does not end in a record with as many values as the header,
    the line alone is rejected. A quote within an unquoted value is a character like others. Blank
    lines are left out. Raises OSError or EOFError where the file can't be read or unpacked, and
    RecordTooLongError where a value goes on for more than 64 Mi characters: whether its quote is a
    slip or its lines are text, only a person can tell.
    """
    with _text(opened, encoding) as text:
        yield from _records(text, delimiter)


def _encoding(opened: Callable[[], BinaryIO]) -> tuple[str, bool]:
    """Find the encoding, and whether there is neither a quote nor a zero byte in the file."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, is_plain, has_undefined = True, True, False
    with opened() as file:
        chunk = file.read(CHUNK_BYTES)
        if _is_utf16(chunk):
            return "utf-16", False
        while chunk:
            is_plain = is_plain and b'"' not in chunk and b"\0" not in chunk
            has_undefined = has_undefined or any(chunk.count(b) for b in b"\x81\x8d\x8f\x90\x9d")
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                is_utf8 = False
                decoder.reset()
            chunk = file.read(CHUNK_BYTES)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    if is_utf8:
        return "utf-8", is_plain
    return "latin-1" if has_undefined else "windows-1252", False


def _is_utf16(head: bytes) -> bool:
    """Tell UTF-16 by its mark, or by a zero byte beside every Latin letter of the header."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    line = head[:200]
    return len(line) > 3 and (not any(line[1:20:2]) or not any(line[0:20:2]))


def _inspect_plain(opened: Callable[[], BinaryIO], start: _Start) -> DelimitedFile | None:
    """Count a file without quotes by its bytes; None where it has to be read line by line."""
    n_feeds = n_returns = n_pairs = n_delimiters = 0
    last, longest, run = b"", 0, 0
    with opened() as file:
        while chunk := file.read(CHUNK_BYTES):
            joined = last + chunk
            n_feeds += chunk.count(b"\n")
            n_returns += chunk.count(b"\r")
            n_pairs += joined.count(b"\r\n")
            n_delimiters += chunk.count(start.delimiter.encode())
            if b"\n\n" in joined or b"\n\r" in joined or (not last and chunk[0] in b"\r\n"):
                return None
            longest, run = max(longest, _longest(chunk, run)), _tail(chunk, run)
            last = chunk[-1:]
    if longest > MAX_LINE_BYTES or n_returns not in (0, n_feeds) or n_pairs != n_returns:
        return None
    n_lines = n_feeds + (last != b"\n")
    per_line = start.header.count(start.delimiter)
    if not per_line or n_delimiters != n_lines * per_line:
        return None
    line_end = "none" if not n_feeds else "crlf" if n_returns else "lf"
    return start.describe(line_end, n_lines, 0, n_lines - 1)


def _longest(chunk: bytes, run: int) -> int:
    """Bound the longest line that ends in the chunk, or goes on after it."""
    if len(chunk) + run <= MAX_LINE_BYTES:
        return 0
    return max(len(line) for line in (b"x" * min(run, MAX_LINE_BYTES + 1) + chunk).split(b"\n"))


def _tail(chunk: bytes, run: int) -> int:
    place = chunk.rfind(b"\n")
    return run + len(chunk) if place < 0 else len(chunk) - place - 1


def _inspect_quoted(opened: Callable[[], BinaryIO], start: _Start) -> DelimitedFile | None:
    """Count a file with quotes by the strict parser; None where that one does not read it all."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with _text(opened, "utf-8") as text:
        lines = _CountedLines(text)
        reader = csv.reader(lines, delimiter=start.delimiter, strict=True)
        n_blank = n_records = longest = 0
        try:
            n_columns = len(next(reader, []))
            before = 0
            for fields in reader:
                longest, before = max(longest, lines.n_characters - before), lines.n_characters
                if not fields:
                    n_blank += 1
                elif len(fields) != n_columns:
                    return None
                else:
                    n_records += 1
        except csv.Error:
            return None
    is_single = len(lines.ends) <= 1 and "cr" not in lines.ends
    if n_columns < 2 or not is_single or lines.has_zero or longest > MAX_LINE_BYTES // 4:
        return None
    line_end = next(iter(lines.ends), "none")
    return start.describe(line_end, lines.n, n_blank, n_records)


class _CountedLines:
    """The lines of a text, with what was seen in them."""

    def __init__(self, text: io.TextIOBase) -> None:
        self.text = text
        self.n = self.n_characters = 0
        self.ends: set[str] = set()
        self.has_zero = False

    def __iter__(self) -> Iterator[str]:
        for line in self.text:
            self.n += 1
            self.n_characters += len(line)
            self.has_zero = self.has_zero or "\0" in line
            if end := _line_end(line):
                self.ends.add(LINE_ENDS[end])
            yield line


def _inspect_irregular(opened: Callable[[], BinaryIO], start: _Start) -> DelimitedFile:
    with _text(opened, start.encoding) as text:
        lines = _CountedLines(text)
        spanned, n_records, reasons = 0, 0, set()
        for record in _records(lines, start.delimiter):
            n_records += 1
            spanned += record.n_lines
            if record.reason:
                reasons.add(record.reason.split(":")[0])
    line_end = next(iter(lines.ends), "none") if len(lines.ends) < 2 else "mixed"
    n_blank = lines.n - spanned - (lines.n > 0)
    why = _why(start.encoding, line_end, reasons)
    return start.describe(line_end, lines.n, n_blank, n_records, why)


def _why(encoding: str, line_end: str, reasons: set[str]) -> str:
    found = [
        f"encoded in {encoding}" if encoding != "utf-8" else "",
        f"line ends are {line_end}" if line_end in ("mixed", "cr") else "",
        *sorted(reasons),
    ]
    return ", ".join(filter(None, found)) or "blank or very long lines, or a single column"


def _text(opened: Callable[[], BinaryIO], encoding: str) -> io.TextIOWrapper:
    """Open as text with its line ends; a byte order mark is no character of the header."""
    python_name = {"utf-8": "utf-8-sig", "windows-1252": "cp1252"}.get(encoding, encoding)
    file = opened()
    if encoding == "utf-16":
        head = file.read(4)
        file.close()
        file = opened()
        if not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            python_name = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    # The end of a UTF-16 file may have been cut within a character.
    return io.TextIOWrapper(file, encoding=python_name, errors="replace", newline="")


def _records(
    lines: Iterator[str] | io.TextIOBase | _CountedLines, delimiter: str
) -> Iterator[Record]:
    waiting = _Lookahead(iter(lines))
    header = waiting.take(1)
    while header is not None and not _without_end(header):
        header = waiting.take(1)
    if header is None:
        return
    n_columns = len(split_header(_without_end(header), delimiter))
    while (line := waiting.peek(0)) is not None:
        number = waiting.number
        text = _without_end(line)
        if not text:
            waiting.take(1)
            continue
        record = _record(waiting, number, delimiter, n_columns)
        waiting.take(record.n_lines)
        yield record


class _Lookahead:
    """Lines that can be looked at before they are taken; `number` is that of the next one."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines
        self.waiting: deque[str] = deque()
        self.number = 1

    def peek(self, place: int) -> str | None:
        while len(self.waiting) <= place:
            line = next(self.lines, None)
            if line is None:
                return None
            self.waiting.append(line)
        return self.waiting[place]

    def take(self, n: int) -> str | None:
        line = self.peek(0)
        for _ in range(min(n, len(self.waiting))):
            self.waiting.popleft()
            self.number += 1
        return line


def _record(waiting: _Lookahead, number: int, delimiter: str, n_columns: int) -> Record:
    """Read the record that begins on the next line, or say why that line begins none."""
    first = _without_end(waiting.peek(0) or "")
    if "\0" in first:
        return Record(number, 1, first, None, f"{ZERO_BYTE}: the line holds characters of code 0")
    for n_lines, text in _growing(waiting, number):
        try:
            fields = split_record(text, delimiter)
        except _MalformedError as error:
            reason = str(error) if n_lines == 1 else UNTERMINATED
            return Record(number, 1, first, None, reason)
        except _UnclosedError as error:
            if error.n_closed >= n_columns:
                break
            continue
        if len(fields) == n_columns:
            return Record(number, n_lines, text, fields, None)
        if n_lines == 1:
            kind = "missing columns" if len(fields) < n_columns else "too many columns"
            return Record(number, 1, first, None, f"{kind}: {len(fields)} of {n_columns}")
        break
    return Record(number, 1, first, None, f"{UNTERMINATED}: no record ends it")


def _growing(waiting: _Lookahead, number: int) -> Iterator[tuple[int, str]]:
    """Yield the text of the next line, and of more lines each time that they may end a record.

    Within a value that is open, only a quote that is not doubled can end anything.
    """
    line = waiting.peek(0) or ""
    pieces, size, n_lines = [_without_end(line)], len(line), 1
    yield n_lines, pieces[0]
    while (added := waiting.peek(n_lines)) is not None:
        pieces += [_line_end(line), _without_end(added)]
        line, size, n_lines = added, size + len(added), n_lines + 1
        if size > MAX_RECORD_CHARACTERS:
            raise RecordTooLongError(
                f"a value in quotes that begins on line {number} and goes on for more than "
                f"{MAX_RECORD_CHARACTERS:,} characters"
            )
        if '"' in added.replace('""', ""):
            pieces = ["".join(pieces)]
            yield n_lines, pieces[0]


def split_record(text: str, delimiter: str) -> list[str]:
    """Divide a record into its values, without their quotes.

    Raises ValueError where a quoted value has no end, or is followed by more text.
    """
    if '"' not in text:
        return text.split(delimiter)
    fields: list[str] = []
    place = 0
    while True:
        if text.startswith('"', place):
            match = _QUOTED.match(text, place)
            if match is None:
                raise _UnclosedError(len(fields))
            fields.append(match[1].replace('""', '"'))
            place = match.end()
            if place < len(text) and not text.startswith(delimiter, place):
                raise _MalformedError(f"{TEXT_AFTER_QUOTE}: {text[place : place + 40]}")
        else:
            end = text.find(delimiter, place)
            end = len(text) if end < 0 else end
            fields.append(text[place:end])
            place = end
        if place >= len(text):
            return fields
        place += len(delimiter)


def split_header(text: str, delimiter: str) -> list[str]:
    """Divide a header, in which blanks around quoted names are common, into its names."""
    part = re.escape(delimiter)
    pattern = rf'(?:^|{part}) *(?:"((?:[^"]|"")*)" *(?={part}|$)|([^{part}]*))'
    return [quoted.replace('""', '"') or plain for quoted, plain in re.findall(pattern, text)]


def _line_end(line: str) -> str:
    if line.endswith("\r\n"):
        return "\r\n"
    return line[-1:] if line[-1:] in ("\n", "\r") else ""


def _without_end(line: str) -> str:
    return line[: len(line) - len(_line_end(line))]
