"""Turns the flat file into a folder of contract tables: map.py SOURCE.csv.gz OUTPUT_DIR."""

import shutil
import sys
from pathlib import Path

import duckdb

HERE = Path(__file__).parent
TABLES = (
    "persons",
    "applications",
    "test_scores",
    "education_records",
    "entry_terms",
    "programs",
)


def main(source: str, output: str) -> None:
    """Run map.sql on the file and write what it makes, with the features' catalog beside it."""
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.read_csv(source, header=True, all_varchar=True).create_view("source")
    connection.execute((HERE / "map.sql").read_text())
    for table in TABLES:
        connection.table(table).write_parquet(str(folder / f"{table}.parquet"))
        print(f"{table}: {connection.table(table).shape[0]:,} rows")
    shutil.copy(HERE / "feature_catalog.csv", folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
