"""Makes tables of Spark of the Parquet files or folders of a folder, each under its own name.

`python spark/load_tables.py FOLDER SCHEMA`: the rows stay where they are.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dbt.adapters.sparksession.connections import get_session


def main(folder: Path, schema: str) -> int:
    session = get_session({})
    session.sql(f"create schema if not exists {schema}")
    for source in sorted(folder.iterdir()):
        if source.suffix == ".parquet" or source.is_dir():
            name = f"{schema}.`{source.stem}`"
            session.sql(f"drop table if exists {name}")
            session.sql(f"create table {name} using parquet location '{source.resolve()}'")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
