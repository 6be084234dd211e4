"""A user's files or database, opened and profiled by DuckDB."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from applicant_personas.delimited import find_delimiter, split_header
from applicant_personas.mapping.contract import Contract
from applicant_personas.mapping.expressions import local_words, read_date, read_number, text_of
from applicant_personas.mapping.formats import (
    DAY_SHAPE,
    NUMBERS,
    Formats,
    date_formats,
    decimal_sign,
)
from applicant_personas.mapping.names import is_personal
from applicant_personas.mapping.open import what_is_open, without_open
from applicant_personas.mapping.profile import SourceColumn, SourceTable
from applicant_personas.mapping.text import one_line, quote_name

SUFFIXES = (".csv.gz", ".csv", ".parquet")
# Values are kept as codes where a column has few of them and they are short.
MOST_CODES, LONGEST_CODE = 400, 100
# A column is a number, a day or a boolean when nearly all of its values read as such.
SHARE_OF_KIND = 0.9
# A day, what is between it and the time of day, and that.
DAY_AND_TIME = "^(.*?)(?:(,? +|T)([0-9]{1,2}:[0-9]{2}.*))?$"
# Dates that the project reads as they are.
# Of a word at the end (PM, Uhr, CET) the engine makes nothing, unless it says UTC.
IS_ISO = (
    "(value like '____-__-__%' and try_cast(value as timestamp) is not null"
    " and (not regexp_matches(value, '[ 0-9][A-Za-z]+$') or regexp_matches(value, '(Z|UTC)$')))"
)
BOOLEANS = ("true", "false", "t", "f", "yes", "no", "y", "n", "0", "1")


def open_source(source: Path, schema: str | None = None) -> duckdb.DuckDBPyConnection:
    """Open a file, a folder of files or a DuckDB database read-only; its tables are in `source`.

    `schema`: that of a database's tables; None: `source` is a file or a folder. Files are read as
    text; what can't be read as a row is left out and counted. Raises ValueError when there is
    nothing to read.
    """
    connection = duckdb.connect()
    if schema is not None:
        _attach(connection, source, schema)
        return connection
    files = sorted(_files(source).items())
    if not files:
        raise ValueError(
            f"There is no .csv, .csv.gz or .parquet file in {source}: save the tables as such "
            "files, or name a database with --schema."
        )
    connection.execute("create schema source; create schema unread")
    for table, parts in files:
        _load(connection, table, parts)
    return connection


def read_profiles(connection: duckdb.DuckDBPyConnection) -> list[SourceTable]:
    """Profile every table of an opened source."""
    tables = connection.execute(
        "select database_name, schema_name, table_name from ("
        " select database_name, schema_name, table_name from duckdb_tables() union all"
        " select database_name, schema_name, view_name from duckdb_views() where not internal"
        ") where database_name = 'source' and schema_name = getvariable('source_schema')"
        " or schema_name = 'source' and database_name = 'memory' order by all"
    ).fetchall()
    return [_profile_table(connection, *names) for names in tables]


def count_distinct(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, columns: Sequence[str]
) -> int:
    """Count how many rows of a table differ in these columns."""
    relation = ".".join(map(quote_name, table.relation))
    names = ", ".join(map(quote_name, columns))
    return int(
        _row(connection, f"select count(*) from (select distinct {names} from {relation})")[0]
    )


def check_mapping(
    connection: duckdb.DuckDBPyConnection, queries: Mapping[str, str], contract: Contract
) -> list[str]:
    """Return a sentence for each table that is not mapped yet or can't be run; none: all is well.

    `queries`: a select for each table of the contract. Columns still to be mapped count as null.
    """
    sentences = [
        f"There is no {table.name}.sql, which the contract requires."
        for table in contract.mapped_tables
        if table.is_required and table.name not in queries
    ]
    for name, query in queries.items():
        table = contract.tables.get(name)
        try:
            connection.execute(f"create temp view {quote_name(name)} as\n{without_open(query)}\n")
            described = connection.execute(f"describe temp.{quote_name(name)}").fetchall()
        except duckdb.Error as error:
            sentences.append(_cannot_run(name, error))
            continue
        sentences += list(what_is_open(name, query, table, [column for column, *_ in described]))
    for name in queries:
        connection.execute(f"drop view if exists temp.{quote_name(name)}")
    return sentences


def run_mapping(
    connection: duckdb.DuckDBPyConnection, queries: Mapping[str, str], output: Path
) -> dict[str, int]:
    """Run the queries of a mapping and write each result as Parquet; returns numbers of rows.

    `queries`: a select for each table of the contract. Raises ValueError, naming the file, when one
    can't be run; nothing is written then.
    """
    for table, query in queries.items():
        try:
            connection.execute(f"create temp table {quote_name(table)} as\n{query}\n")
        except duckdb.Error as error:
            raise ValueError(_cannot_run(table, error)) from error
    output.mkdir(parents=True, exist_ok=True)
    rows = {}
    for table in queries:
        result = connection.table(f"temp.{quote_name(table)}")
        result.write_parquet(str(output / f"{table}.parquet"))
        rows[table] = result.shape[0]
    return rows


def _cannot_run(table: str, error: duckdb.Error) -> str:
    return f"{table}.sql can't be run: {one_line(str(error), 300)}"


# --- opening ------------------------------------------------------------------------------------


def _attach(connection: duckdb.DuckDBPyConnection, database: Path, schema: str) -> None:
    if not database.is_file():
        raise ValueError(f"There is no database at {database}.")
    try:
        connection.execute(f"attach {_text(str(database))} as source (type duckdb, read_only)")
    except duckdb.Error as error:
        raise ValueError(f"{database} can't be opened: {one_line(str(error), 300)}") from error
    found = connection.execute(
        "select schema_name from duckdb_schemas() where database_name = 'source' and not internal"
    ).fetchall()
    names = [name for (name,) in found] + ["main"]
    if schema not in names:
        raise ValueError(f"{database} has no schema {schema}; it has {', '.join(sorted(names))}.")
    connection.execute(f"set variable source_schema = {_text(schema)}")


def _files(source: Path) -> dict[str, list[Path]]:
    """Return the files of each table: a file is one, and so is a folder of parts."""
    if not source.exists():
        raise ValueError(f"There is nothing at {source}: give a file or a folder of files.")
    paths = [source] if source.is_file() else [*source.glob("*"), *source.glob("*/*")]
    tables: dict[str, list[Path]] = {}
    for path in sorted(paths):
        suffix = next((end for end in SUFFIXES if path.name.lower().endswith(end)), None)
        if suffix and path.is_file():
            is_part = source.is_dir() and path.parent != source
            table = path.parent.name if is_part else path.name[: -len(suffix)]
            tables.setdefault(table, []).append(path)
    return tables


def _load(connection: duckdb.DuckDBPyConnection, table: str, parts: list[Path]) -> None:
    """Make a table of its parts, of all columns that any of them has."""
    name = quote_name(table)
    try:
        readers = [reader for path in parts if (reader := _reader(path))]
        if not readers:
            return
        connection.execute(f"create table source.{name} as {' union all by name '.join(readers)}")
    except duckdb.Error as error:
        raise ValueError(f"{parts[0]} can't be read: {one_line(str(error), 300)}") from error
    rejects = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'main' and table_name = 'reject_errors'"
    ).fetchall()
    if rejects:
        connection.execute(
            f"create table unread.{name} as "
            "select count(distinct (file_id, line)) as n_rows from reject_errors;"
            "drop table reject_errors; drop table reject_scans"
        )


def _reader(path: Path) -> str | None:
    """Return the query that reads a file; None: it is empty, without even a header."""
    if path.name.lower().endswith(".parquet"):
        return f"select * from read_parquet({_text(str(path))}, hive_partitioning = false)"
    encoding, line = _read_header(path)
    lines = line.splitlines(keepends=True)
    if not line.strip("\r\n"):
        return None
    delimiter = find_delimiter(line, known=())
    header = _column_names(split_header(line.rstrip("\r\n"), delimiter))
    # A line break within the header makes the reader mistake the file's kind of line break, and
    # lose every row without a word.
    is_crlf = len(lines) > 1 and line.endswith("\r\n")
    new_line = "new_line = '\\r\\n', " if is_crlf else ""
    # Columns go by number, so that no header has to be a name within the reader's options.
    columns = ", ".join(f"'c{number}': 'varchar'" for number in range(len(header)))
    names = ", ".join(f"c{n} as {quote_name(name)}" for n, name in enumerate(header))
    return (
        f"select {names} from read_csv({_text(_glob_free(path))}, auto_detect = false, "
        f"header = true, delim = {_text(delimiter)}, quote = '\"', escape = '\"', "
        f"{new_line}encoding = '{encoding}', store_rejects = true, columns = {{{columns}}})"
    )


def _read_header(path: Path) -> tuple[str, str]:
    """Return the encoding that the file's beginning shows, and the header, which may be quoted."""
    opened: Any = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rb") as file:
        start = file.read(1 << 20)
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        text = start.decode(encoding, "strict" if len(start) < 1 << 20 else "ignore")
    except UnicodeDecodeError:
        encoding, text = "latin-1", start.decode("latin-1")
    lines = iter(text.lstrip("\ufeff").splitlines(keepends=True))
    header = next(lines, "")
    for line in lines:
        if header.count('"') % 2 == 0:
            break
        header += line
    return encoding, header


def _column_names(header: list[str]) -> list[str]:
    """Return names without blanks around them, each only once, as DuckDB tells names apart."""
    names: list[str] = []
    for number, name in enumerate(header, start=1):
        unique = name.strip() or f"column {number}"
        while unique.lower() in (known.lower() for known in names):
            unique = f"{unique} ({number})"
        names.append(unique)
    return names


def _glob_free(path: Path) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


# --- profiling ----------------------------------------------------------------------------------


def _profile_table(
    connection: duckdb.DuckDBPyConnection, database: str, schema: str, table: str
) -> SourceTable:
    relation = (schema, table) if database == "memory" else (database, schema, table)
    name = ".".join(map(quote_name, relation))
    columns = connection.execute(f"describe {name}").fetchall()
    n_rows = _row(connection, f"select count(*) from {name}")[0]
    unread = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'unread' and table_name = ?", [table]
    ).fetchone()
    count = f"select n_rows from unread.{quote_name(table)}" if unread else "select 0"
    counted = (_count(connection, name, *column[:2]) for column in columns)
    profiles = (_profile_column(connection, name, n_rows, column) for column in counted)
    return SourceTable(table, relation, n_rows, tuple(profiles), _row(connection, count)[0])


@dataclass(frozen=True)
class _Counted:
    """A column and how many of its values read as what."""

    name: str
    type: str
    n_filled: int
    n_distinct: int
    n_numbers: int
    n_booleans: int
    n_local_words: int
    longest: int
    numbers: dict[str, int]
    n_days: int
    date_formats: Formats

    @property
    def has_days(self) -> bool:
        """Nearly all values are written as days."""
        return self.n_filled > 0 and self.n_days >= SHARE_OF_KIND * self.n_filled

    @property
    def kind(self) -> str:
        """What nearly all values read as."""
        n = self.n_filled
        if not n:
            return "empty"
        if self.n_booleans + self.n_local_words == n and self.n_distinct <= 2:
            return "boolean"
        # Digits alone are a number first; where a date is looked for, they may be one.
        if self.has_days and self.n_numbers < self.n_days:
            return "timestamp"
        return "number" if self.n_numbers >= SHARE_OF_KIND * n else "text"


def _count(
    connection: duckdb.DuckDBPyConnection, relation: str, name: str, type_name: str
) -> _Counted:
    column = quote_name(name)
    words = ", ".join(map(_text, BOOLEANS))
    local = ", ".join(_text(word) for words in local_words().values() for word in words)
    tests = [f"regexp_full_match(value, {_text(pattern)})" for pattern in NUMBERS.values()]
    row = _row(
        connection,
        f"""
        with filled as (
            select trim(cast({column} as varchar)) as value from {relation}
            where trim(cast({column} as varchar)) <> ''
        ), valued as (
            select value, count(*) as n from filled group by value
        ), typed as (
            select
                *,
                {IS_ISO} as is_iso,
                {", ".join(f"{test} as is_number_{i}" for i, test in enumerate(tests))}
            from valued
        )
        select
            coalesce(sum(n), 0), count(*),
            coalesce(sum(n) filter (
                try_cast(value as double) is not null
                or {" or ".join(f"is_number_{i}" for i in range(len(tests)))}
            ), 0),
            coalesce(sum(n) filter (lower(value) in ({words})), 0),
            coalesce(sum(n) filter (lower(value) in ({local})), 0),
            coalesce(max(length(value)), 0),
            coalesce(sum(n) filter (is_iso), 0),
            {", ".join(f"coalesce(sum(n) filter (is_number_{i}), 0)" for i in range(len(tests)))}
        from typed
        """,
    )
    formats, n_written = date_formats(_days(connection, relation, column))
    n_filled, n_distinct, n_numbers, n_booleans, n_local_words, longest, n_iso, *kinds = row
    return _Counted(
        name,
        type_name,
        n_filled,
        n_distinct,
        n_numbers,
        n_booleans,
        n_local_words,
        longest,
        dict(zip(NUMBERS, kinds, strict=True)),
        n_iso + n_written,
        formats,
    )


def _days(
    connection: duckdb.DuckDBPyConnection, relation: str, column: str
) -> dict[tuple[str, str, str], int]:
    """Count the texts that may be days, other than ISO dates, by day, gap and shape of the time."""
    rows = connection.execute(
        f"""
        with parts as (
            select regexp_extract(value, {_text(DAY_AND_TIME)}, ['day', 'gap', 'clock']) as part
            from (select trim(cast({column} as varchar)) as value from {relation})
            where not {IS_ISO}
        )
        select
            part.day,
            regexp_replace(part.gap, ' +', ' '),
            regexp_replace(upper(part.clock), '[0-9]+', '0', 'g'),
            count(*)
        from parts where regexp_full_match(part.day, {_text(DAY_SHAPE)}) group by 1, 2, 3
        """
    ).fetchall()
    return {(day, gap, clock): n for day, gap, clock, n in rows}


def _profile_column(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    n_rows: int,
    counted: _Counted,
) -> SourceColumn:
    kind = counted.kind
    is_text = counted.type.lower() == "varchar"
    sign = decimal_sign(counted.numbers) if kind == "number" and is_text else ""
    column = SourceColumn(
        counted.name,
        counted.type.lower(),
        kind,
        counted.n_filled,
        counted.n_distinct,
        counted.n_filled / n_rows if n_rows else 0.0,
        counted.n_distinct / counted.n_filled if counted.n_filled else 0.0,
        date_formats=counted.date_formats if counted.has_days else (),
        decimal_sign=sign,
        has_local_words=kind == "boolean" and counted.n_local_words > 0,
    )
    if is_personal(column.name):
        return column
    if kind == "number" and sign != "open":
        column = replace(column, **_number_range(connection, relation, column))
    elif kind == "timestamp":
        column = replace(column, **_date_range(connection, relation, column))
    is_short = 0 < counted.longest <= LONGEST_CODE
    if is_short and counted.n_distinct <= MOST_CODES and counted.n_distinct < counted.n_filled:
        codes = dict(_codes(connection, relation, quote_name(column.name)))
        column = replace(column, codes=codes)
    return column


def _number_range(
    connection: duckdb.DuckDBPyConnection, relation: str, column: SourceColumn
) -> dict[str, Any]:
    text = text_of(column)
    number = read_number(text, column.decimal_sign) if column.decimal_sign else text
    low, high, ends = _row(
        connection,
        f"select min(number), max(number), quantile_disc(number, [0.05, 0.95]) "
        f"from (select try_cast({number} as double) as number from {relation})",
    )
    if ends is None:
        return {}
    return {"minimum": f"{low:g}", "maximum": f"{high:g}", "low": ends[0], "high": ends[1]}


def _date_range(
    connection: duckdb.DuckDBPyConnection, relation: str, column: SourceColumn
) -> dict[str, Any]:
    """Return the first and the last day; nothing where their format is open."""
    if any(len(alternatives) > 1 for alternatives in column.date_formats):
        return {}
    text = text_of(column)
    read = f"try_cast({text} as timestamp)"
    if column.date_formats:
        read = f"coalesce({read_date(text, column.date_formats)}, {read})"
    low, high = _row(
        connection,
        f"select strftime(min(day), '%Y-%m-%d'), strftime(max(day), '%Y-%m-%d') "
        f"from (select {read} as day from {relation})",
    )
    return {"minimum": low, "maximum": high} if low else {}


def _codes(
    connection: duckdb.DuckDBPyConnection, relation: str, column: str
) -> Iterator[tuple[str, int]]:
    yield from connection.execute(
        f"select trim(cast({column} as varchar)) as code, count(*) from {relation} "
        f"where trim(cast({column} as varchar)) <> '' group by code order by 2 desc, 1"
    ).fetchall()


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row
