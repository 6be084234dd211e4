"""Builds of the whole project by its command line, and what they leave in the warehouse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

ROOT = Path(__file__).parents[2]
# Two builds of the same input agree in everything but these.
OF_THE_RUN = {"run_id", "first_run_id", "last_run_id", "fitted_at"}


@dataclass(frozen=True)
class Warehouse:
    """The database that a build wrote."""

    database: Path

    def frame(self, query: str) -> pd.DataFrame:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(query).df()

    def column(self, query: str) -> list[Any]:
        """List the values of the query's first column."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return [row[0] for row in connection.execute(query).fetchall()]

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Read every public table as sorted rows, without what names the run."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            columns = connection.execute(
                "select table_name, string_agg('\"' || column_name || '\"' order by column_name)"
                " from information_schema.columns"
                f" where table_schema = 'marts' and column_name not in {tuple(OF_THE_RUN)}"
                " group by table_name"
            ).fetchall()
            return {
                table: connection.execute(
                    f"select {names} from marts.{table} order by all"
                ).fetchall()
                for table, names in columns
            }


def build(
    folder: Path,
    input_path: Path | None = None,
    *,
    select: Sequence[str] = (),
    threads: int = 2,
    with_tests: bool = False,
    **variables: Any,
) -> Warehouse:
    """Run `dbt build` on a folder of tables (None: the committed sample); it must succeed.

    `select` names what is built (empty: everything).
    """
    left_out = ["unit_test"] if with_tests else ["test", "unit_test"]
    if input_path:
        variables["input_path"] = str(input_path)
    arguments = ["--exclude-resource-type", *left_out, "--threads", str(threads)]
    arguments += ["--select", *select] if select else []
    run_dbt(folder, "build", *arguments, **variables)
    return Warehouse(folder / "warehouse.duckdb")


def run_dbt(folder: Path, *arguments: str, **variables: Any) -> str:
    """Run dbt with its database, target and logs in a folder of its own, as `run` does."""
    places = {
        "PERSONAS_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    command = str(Path(sys.executable).with_name("dbt"))
    return run(command, *arguments, "--vars", json.dumps(variables), **places)


def generate(folder: Path, *options: str) -> Path:
    """Write a sample; the truth goes to its folder `truth`, which no model reads."""
    command = str(Path(sys.executable).with_name("applicant-personas"))
    run(command, "sample", str(folder), *options)
    return folder


def run(*command: str, **environment: str) -> str:
    """Return what a command said, run from the root of the project; it must succeed."""
    finished = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not finished.returncode, finished.stdout[-5000:] + finished.stderr[-2000:]
    return finished.stdout
