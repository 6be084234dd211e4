"""A built warehouse, opened to read, by DuckDB."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from applicant_personas.mapping.text import quote_name


@contextmanager
def open_warehouse(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open what a build wrote, read-only; raises ValueError when it can't be read."""
    if not database.is_file():
        raise ValueError(
            f"There is no database at {database}: build first, or name one with --database."
        )
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            yield connection
    except duckdb.IOException as error:
        raise ValueError(
            f"{database} can't be opened: while a build writes to it, wait for its end "
            f"({str(error).splitlines()[0]})."
        ) from error
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise ValueError(
            f"{database} lacks what is asked of it: build the whole project first "
            f"({str(error).splitlines()[0]})."
        ) from error


def check_build(
    connection: duckdb.DuckDBPyConnection, database: Path, schema: str
) -> datetime.date:
    """Give the day of the last build, which has to be complete.

    What an unfinished one left may still list who refused contact since. `schema`: of the marts.
    """
    beside = schema.removesuffix("marts") + "data_quality"
    found = connection.execute(
        "select table_schema from information_schema.tables"
        " where table_name = 'dq_build_status' and table_schema in (?, ?)",
        [schema, beside],
    ).fetchall()
    if not found:
        raise ValueError(
            f"{database} has no marts in a schema {schema}: build the whole project first, or "
            "name their schema with --schema."
        )
    ((status, as_of),) = connection.execute(
        f"select status, as_of from {quote_name(found[0][0])}.dq_build_status"
    ).fetchall()
    if status != "complete":
        raise ValueError(
            f"The last build of {database} is {status}, so its tables may be of different days: "
            "build until it is complete."
        )
    return datetime.date.fromisoformat(str(as_of))
