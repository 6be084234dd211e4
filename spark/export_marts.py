"""Copies the public marts of Spark into a DuckDB file, from which BI reads them as always.

`python spark/export_marts.py FILE.duckdb` reads the schemas of the marts in the session that
SPARK_CONF_DIR describes. The file is written beside its place and moved there, so that no reader
finds half of it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
from dbt.adapters.sparksession.connections import get_session

SCHEMAS = ("marts", "data_quality", "audit")


def main(file: Path) -> int:
    session = get_session({})
    names = [
        (schema, row.tableName)
        for schema in SCHEMAS
        if session.catalog.databaseExists(schema)
        for row in session.sql(f"show tables in {schema}").collect()
    ]
    fresh = file.with_name(f"{file.name}.new")
    fresh.parent.mkdir(parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)
    with duckdb.connect(
        str(fresh), config={"storage_compatibility_version": "v1.2.0"}
    ) as connection:
        for schema, name in names:
            table: pa.Table = session.table(f"{schema}.{name}").toArrow()
            connection.execute(f"create schema if not exists {schema}")
            connection.register("rows_of_spark", table)
            connection.execute(f'create table {schema}."{name}" as select * from rows_of_spark')
            connection.unregister("rows_of_spark")
    os.replace(fresh, file)
    print(f"{len(names)} marts are in {file}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
