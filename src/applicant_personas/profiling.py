"""A user's files or database, opened and profiled: the command line's only use of DuckDB."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from applicant_personas.mapping.names import is_personal
from applicant_personas.mapping.profile import SourceColumn, SourceTable
from applicant_personas.mapping.text import one_line, quote_name

SUFFIXES = (".csv.gz", ".csv", ".parquet")
DELIMITERS = ",;\t|"
# Values are kept as codes where a column has few of them and they are short.
MOST_CODES, LONGEST_CODE = 400, 100
# A column is a number, a day or a boolean when nearly all of its values read as such.
SHARE_OF_KIND = 0.9
DATE_FORMATS = ("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y")
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


def run_mapping(
    connection: duckdb.DuckDBPyConnection, mapping: Path, output: Path
) -> dict[str, int]:
    """Run the SQL files of a mapping and write each result as Parquet; returns numbers of rows.

    `mapping`: a folder of <table>.sql, one select each. Raises ValueError, naming the file, when
    one can't be run; nothing is written then.
    """
    files = sorted(mapping.glob("*.sql"))
    if not files:
        raise ValueError(f"There is no .sql file in {mapping}: run `applicant-personas map` first.")
    for file in files:
        try:
            query = file.read_text(encoding="utf-8").strip().removesuffix(";")
            connection.execute(f"create temp table {quote_name(file.stem)} as\n{query}\n")
        except duckdb.Error as error:
            raise ValueError(f"{file} can't be run: {one_line(str(error), 300)}") from error
    output.mkdir(parents=True, exist_ok=True)
    rows = {}
    for file in files:
        table = connection.table(f"temp.{quote_name(file.stem)}")
        table.write_parquet(str(output / f"{file.stem}.parquet"))
        rows[file.stem] = table.shape[0]
    return rows


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
    except (duckdb.Error, csv.Error) as error:
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
    headers = {d: next(csv.reader(lines, delimiter=d), []) for d in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda d: len(headers[d]))
    header = _column_names(headers[delimiter])
    if not header:
        return None
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
    profiles = (_profile_column(connection, name, n_rows, *column[:2]) for column in columns)
    return SourceTable(table, relation, n_rows, tuple(profiles), _row(connection, count)[0])


def _profile_column(
    connection: duckdb.DuckDBPyConnection, relation: str, n_rows: int, name: str, type_name: str
) -> SourceColumn:
    column = quote_name(name)
    formats = ", ".join(map(_text, DATE_FORMATS))
    words = ", ".join(map(_text, BOOLEANS))
    row = _row(
        connection,
        f"""
        with filled as (
            select nullif(trim(cast({column} as varchar)), '') as value from {relation}
        ), typed as (
            select
                value,
                try_cast(value as double) as number,
                coalesce(try_cast(value as timestamp), try_strptime(value, [{formats}])) as day,
                lower(value) in ({words}) as is_boolean
            from filled where value is not null
        )
        select
            count(*), count(distinct value), count(number), count(day),
            count(*) filter (is_boolean), max(length(value)),
            min(number), max(number), quantile_disc(number, [0.05, 0.95]),
            strftime(min(day), '%Y-%m-%d'), strftime(max(day), '%Y-%m-%d')
        from typed
        """,
    )
    n_filled, n_distinct, n_numbers, n_days, n_booleans, longest = row[:6]
    kind = _kind(n_filled, n_distinct, n_numbers, n_days, n_booleans)
    shown: dict[str, Any] = {}
    if not is_personal(name):
        if kind == "number":
            low, high = row[8]
            shown = {"minimum": f"{row[6]:g}", "maximum": f"{row[7]:g}", "low": low, "high": high}
        elif kind == "timestamp":
            shown = {"minimum": row[9], "maximum": row[10]}
        if 0 < n_distinct <= MOST_CODES and longest <= LONGEST_CODE and n_distinct < n_filled:
            shown["codes"] = dict(_codes(connection, relation, column))
    return SourceColumn(
        name,
        type_name.lower(),
        kind,
        n_filled,
        n_distinct,
        n_filled / n_rows if n_rows else 0.0,
        n_distinct / n_filled if n_filled else 0.0,
        **shown,
    )


def _kind(n_filled: int, n_distinct: int, n_numbers: int, n_days: int, n_booleans: int) -> str:
    if not n_filled:
        return "empty"
    if n_booleans == n_filled and n_distinct <= 2:
        return "boolean"
    if n_days >= SHARE_OF_KIND * n_filled:
        return "timestamp"
    return "number" if n_numbers >= SHARE_OF_KIND * n_filled else "text"


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
