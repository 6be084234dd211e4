"""Builds of the whole project by its command line, and what they leave in the warehouse."""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from applicant_personas.command_line.cli import main
from applicant_personas.served_copy import Mart, publish

ROOT = Path(__file__).parents[2]
# Two builds of the same input agree in everything but these.
OF_THE_RUN = {"run_id", "first_run_id", "last_run_id", "fitted_at"}
OF_THE_RUN |= {"invocation_id", "started_at", "ended_at"}
# Vars that are read when a model runs; all others may change what the parse makes of the project.
READ_WHEN_RUN = {
    "as_of", "as_of_offsets", "backtest_offset_days", "change_threshold", "changes_since",
    "days_kept", "deferrals", "export_path", "home_country", "input_path", "input_schema",
    "institution_timezone", "mixed_below", "runs_kept", "serve_path", "settling_days",
}  # fmt: skip
# The schemas of public tables.
PUBLIC = ("audit", "data_quality", "marts")
STARTING = threading.Lock()


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
                "select table_schema, table_name,"
                " string_agg('\"' || column_name || '\"' order by column_name)"
                " from information_schema.columns"
                f" where table_schema in {PUBLIC} and column_name not in {tuple(OF_THE_RUN)}"
                " group by table_schema, table_name"
            ).fetchall()
            return {
                table: connection.execute(
                    f"select {names} from {schema}.{table} order by all"
                ).fetchall()
                for schema, table, names in columns
            }


def build(
    folder: Path,
    input_path: Path | None = None,
    *,
    select: Sequence[str] = (),
    threads: int = 1,
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


def built_sample(folder: Path) -> Warehouse:
    """Give the committed sample, built in the folder unless `make test` has built it already."""
    built = os.environ.get("PERSONAS_BUILT_SAMPLE")
    return Warehouse(ROOT / built) if built else build(folder)


def copied_sample(folder: Path) -> Warehouse:
    """Give the committed sample, built, in the folder itself, to build on."""
    sample = built_sample(folder)
    if sample.database.parent != folder:
        shutil.copy(sample.database, folder / "warehouse.duckdb")
    return Warehouse(folder / "warehouse.duckdb")


def public_nodes() -> list[dict[str, Any]]:
    """List the nodes of the public marts, from the manifest."""
    nodes = json.loads(manifest().read_text())["nodes"].values()
    return [node for node in nodes if node["config"].get("access") == "public"]


def served_copy(warehouse: Warehouse) -> Path:
    """Give the folder of what was published of a warehouse; done here if its build had no tests."""
    folder = warehouse.database.parent / "serve"
    if not (folder / "manifest.json").exists():
        with duckdb.connect(str(warehouse.database)) as connection:
            catalog = "staging.stg_feature_catalog"
            marts = [
                replace(mart, relation=f"{warehouse.database.stem}.{mart.schema}.{mart.name}")
                for mart in map(Mart.of_node, public_nodes())
            ]
            labels = f"{warehouse.database.stem}.{catalog}"
            publish(connection, folder, marts, "20260101T000000-test", labels, min_cell=11)
    return folder


def run_dbt(folder: Path, *arguments: str, **variables: Any) -> str:
    """Return what a dbt command said, its database, target and logs in a folder; it must succeed.

    It runs from the root of the project in a process of its own.
    """
    folder.mkdir(exist_ok=True)
    asked = {
        "arguments": [*arguments, "--vars", json.dumps(variables)],
        "environment": {
            "PERSONAS_WAREHOUSE": str(folder / "warehouse.duckdb"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            # The manifest takes half a second to write, and is read of a parse alone.
            "DBT_WRITE_JSON": str(arguments[0] == "parse").lower(),
        },
        "is_parsed": set(variables) <= READ_WHEN_RUN,
        "output": str(folder / "output.txt"),
    }
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(dbt_server() / "socket"))
        connection.sendall(json.dumps(asked).encode() + b"\n")
        answer = connection.makefile().read()
    said = (folder / "output.txt").read_text()
    assert answer == "done", said[-7000:]
    return said


def dbt_server() -> Path:
    """Give the folder of the process that runs dbt for this one; the first call starts it."""
    with STARTING:
        return start_dbt_server()


@functools.cache
def start_dbt_server() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="dbt-"))
    command = [sys.executable, str(Path(__file__).with_name("dbt_server.py")), str(folder)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    said = server.stdout.readline()
    assert said == "ready\n", said
    return folder


def manifest() -> Path:
    """Give the manifest of the project, parsed with the defaults."""
    return dbt_server() / "target/manifest.json"


def generate(folder: Path, *options: str) -> Path:
    """Write a sample; the truth goes to its folder `truth`, which no model reads."""
    assert main(["sample", str(folder), *options]) == 0
    return folder
