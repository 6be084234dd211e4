"""What the input and staging layers cost, beside plain `create table as` over the same files.

Each is a process of its own. What dbt takes for itself is seen on 600 people, and left out of the
ratio: `python benchmarks/input_staging.py --persons 1000000`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import yaml
from processes import (
    ROOT,
    Cost,
    arguments,
    dbt,
    generate,
    model_seconds,
    print_models,
    ready,
    run,
    selected,
)

LAYERS = ("models/input", "python_models/input", "models/staging")
# Tables of few rows are read as cheaply in any way.
SMALL = {"feature_catalog"}


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


# --- the comparison -------------------------------------------------------------------------------


def build_layers(folder: Path, files: Path) -> tuple[Cost, dict[str, float]]:
    """Build the two layers as the project does."""
    dbt("seed", folder, files)
    return dbt("run", folder, files, *selected(LAYERS)), model_seconds(folder)


def compare(folder: Path, persons: int) -> None:
    files, few = generate(folder, persons), generate(folder, 600)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        plain_file = Path(scratch) / "plain.json"
        plain = run(sys.executable, __file__, "--plain", str(files), str(plain_file))
        plain_seconds = json.loads(plain_file.read_text())
        layers, seconds = build_layers(Path(scratch) / "many", files)
        idle, _ = build_layers(Path(scratch) / "few", few)
    print_models(seconds)
    print(f"plain process   {plain}, of which statements {sum(plain_seconds.values()):.1f} s")
    print(f"dbt process     {layers}")
    print(f"  on 600 people {idle}")
    wall, cpu = layers.wall - idle.wall, layers.cpu - idle.cpu
    print(f"ratio without dbt's own time: wall {wall / plain.wall:.2f}, CPU {cpu / plain.cpu:.2f}")


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--plain", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.plain:
        files, out = given.plain
        with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
            seconds = create_plainly(files, Path(scratch) / "plain.duckdb")
        out.write_text(json.dumps(seconds))
        return
    compare(ready(given.folder), given.persons)


if __name__ == "__main__":
    main()
