"""Copies the public marts of Spark, as they are, into a DuckDB file.

`python spark/export_marts.py FILE.duckdb` reads the schemas of the marts in the session that
SPARK_CONF_DIR describes. The file is written beside its place and moved there, so that no reader
finds half of it. What BI and the page read is rather the served copy: publish_marts.py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
from dbt.adapters.sparksession.connections import get_session
from pyspark.sql import SparkSession

from applicant_personas.served_copy import STORAGE, text

SCHEMAS = ("marts", "data_quality", "audit")


def copy_tables(session: SparkSession, file: Path, tables: Iterable[tuple[str, str]]) -> None:
    """Copy tables, given as schema and name, one at a time into a new file."""
    with duckdb.connect() as connection:
        # Under a name of its own: a file may be named as a schema is.
        connection.execute(f"attach {text(str(file))} as copied (storage_version {text(STORAGE)})")
        for schema, name in tables:
            rows: pa.Table = session.table(f"{schema}.{name}").toArrow()
            connection.execute(f"create schema if not exists copied.{schema}")
            connection.register("rows_of_spark", rows)
            connection.execute(
                f'create table copied.{schema}."{name}" as select * from rows_of_spark'
            )
            connection.unregister("rows_of_spark")


def main(file: Path) -> int:
    session = get_session({})
    marts = [
        (schema, row.tableName)
        for schema in SCHEMAS
        if session.catalog.databaseExists(schema)
        for row in session.sql(f"show tables in {schema}").collect()
    ]
    fresh = file.with_name(f"{file.name}.new")
    fresh.parent.mkdir(parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)
    copy_tables(session, fresh, marts)
    os.replace(fresh, file)
    print(f"{len(marts)} marts are in {file}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
