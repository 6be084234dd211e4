"""What the input and staging layers cost, beside plain `create table as` over the same files.

Both run one statement after another in a process of their own, with as many DuckDB threads:
`python benchmarks/input_staging.py --persons 1000000`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("models/input", "python_models/input", "models/staging")
# Tables of few rows are read as cheaply in any way.
SMALL = {"feature_catalog"}


@dataclass(frozen=True)
class Cost:
    """Seconds of a whole process, and the most memory that it held."""

    wall: float
    cpu: float
    megabytes: float

    def __str__(self) -> str:
        return f"{self.wall:7.1f} s wall {self.cpu:7.1f} s CPU {self.megabytes:7,.0f} MB peak"


def run(*command: str, **environment: str) -> Cost:
    """Run a command from the project's root; its output goes to stderr."""
    started = time.perf_counter()
    actions = [(os.POSIX_SPAWN_DUP2, 2, 1)]
    os.chdir(ROOT)
    process = os.posix_spawn(command[0], command, os.environ | environment, file_actions=actions)
    _, status, used = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    wall = time.perf_counter() - started
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


# --- plain ----------------------------------------------------------------------------------------


def contract() -> Iterator[tuple[str, dict[str, str]]]:
    """Tables of the contract with their columns and types."""
    for model in yaml.safe_load((ROOT / "models/input/_input.yml").read_text())["models"]:
        name = model.get("config", {}).get("meta", {}).get("table")
        if name and name not in SMALL:
            yield name, {column["name"]: column["data_type"] for column in model["columns"]}


def create_plainly(files: Path, database: Path) -> dict[str, float]:
    """Create every table with the types of the contract; seconds by table."""
    seconds = {}
    with duckdb.connect(str(database)) as connection:
        for table, types in contract():
            parts = [str(path) for path in sorted(files.glob(f"{table}*/*.parquet"))]
            parts = parts or [str(path) for path in files.glob(f"{table}.parquet")]
            if not parts:
                continue
            started = time.perf_counter()
            found = connection.execute("describe from read_parquet(?)", [parts]).fetchall()
            columns = ", ".join(
                f'cast("{name}" as {types.get(name, type_)}) as "{name}"'
                for name, type_, *_ in found
            )
            connection.execute(
                f"create table {table} as select {columns} from read_parquet(?)", [parts]
            )
            seconds[table] = time.perf_counter() - started
    return seconds


# --- the project ----------------------------------------------------------------------------------


def dbt(command: str, folder: Path, files: Path) -> Cost:
    """Run the two layers, one model after another."""
    return run(
        tool("dbt"),
        command,
        "--threads",
        "1",
        *(("--select", *(f"path:{layer}" for layer in LAYERS)) if command == "run" else ()),
        "--vars",
        json.dumps({"input_path": str(files)}),
        PERSONAS_WAREHOUSE=str(folder / "warehouse.duckdb"),
        DBT_TARGET_PATH=str(folder / "target"),
        DBT_LOG_PATH=str(folder / "logs"),
    )


def model_seconds(folder: Path) -> dict[str, float]:
    """List the models of the last run with their seconds; hooks of the run are not models."""
    results = json.loads((folder / "target/run_results.json").read_text())["results"]
    return {
        result["unique_id"].split(".")[-1]: result["execution_time"]
        for result in results
        if result["unique_id"].startswith("model.")
    }


def build_layers(folder: Path, files: Path) -> tuple[Cost, dict[str, float]]:
    folder.mkdir()
    dbt("seed", folder, files)
    return dbt("run", folder, files), model_seconds(folder)


# --- the comparison -------------------------------------------------------------------------------


def generate(folder: Path, persons: int) -> Path:
    """Write a sample as Parquet, unless it is there."""
    files = folder / f"sample_{persons}"
    if not files.exists():
        run(
            tool("applicant-personas"),
            "sample",
            str(files),
            "--persons",
            str(persons),
            "--format",
            "parquet",
        )
    return files


def compare(folder: Path, persons: int) -> None:
    files, few = generate(folder, persons), generate(folder, 600)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        plain_file = Path(scratch) / "plain.json"
        plain = run(
            sys.executable,
            __file__,
            "--plain",
            str(files),
            str(plain_file),
        )
        plain_seconds = json.loads(plain_file.read_text())
        layers, seconds = build_layers(Path(scratch) / "many", files)
        idle, idle_seconds = build_layers(Path(scratch) / "few", few)
    for name, value in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"{value:8.2f} s {name}")
    report(plain, plain_seconds, layers, seconds, idle, idle_seconds)


def report(plain, plain_seconds, layers, seconds, idle, idle_seconds) -> None:
    total, base, own = (sum(times.values()) for times in (seconds, plain_seconds, idle_seconds))
    print(f"plain process   {plain}")
    print(f"dbt process     {layers}")
    print(f"  on 600 people {idle}")
    print(f"plain statements {base:.2f} s, models {total:.2f} s ({own:.2f} s on 600 people)")
    print(
        f"ratio {total / base:.2f}; without dbt's own seconds {(total - own) / base:.2f}; "
        f"CPU {(layers.cpu - idle.cpu) / plain.cpu:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "personas")
    parser.add_argument("--plain", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.plain:
        files, out = given.plain
        with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
            seconds = create_plainly(files, Path(scratch) / "plain.duckdb")
        out.write_text(json.dumps(seconds))
        return
    given.folder.mkdir(parents=True, exist_ok=True)
    compare(given.folder.resolve(), given.persons)


if __name__ == "__main__":
    main()
