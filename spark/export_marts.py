"""Copies the public marts of Spark into a DuckDB file, from which BI reads them as always.

`python spark/export_marts.py FILE.duckdb` reads schema `marts` of the session that SPARK_CONF_DIR
describes. The file is written beside its place and moved there, so that no reader finds half of it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
from dbt.adapters.sparksession.connections import get_session

SCHEMA = "marts"


def main(file: Path) -> int:
    session = get_session({})
    names = [table.name for table in session.catalog.listTables(SCHEMA)]
    fresh = file.with_name(f"{file.name}.new")
    fresh.parent.mkdir(parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)
    with duckdb.connect(
        str(fresh), config={"storage_compatibility_version": "v1.2.0"}
    ) as connection:
        connection.execute(f"create schema {SCHEMA}")
        for name in names:
            table: pa.Table = session.table(f"{SCHEMA}.{name}").toArrow()
            connection.register("rows_of_spark", table)
            connection.execute(f'create table {SCHEMA}."{name}" as select * from rows_of_spark')
            connection.unregister("rows_of_spark")
    os.replace(fresh, file)
    print(f"{len(names)} marts are in {file}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
