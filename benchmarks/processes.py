"""Whole processes, measured: seconds, CPU seconds and the most memory that each held."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


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


def dbt(command: str, folder: Path, files: Path, *arguments: str) -> Cost:
    """Run dbt on the tables of a folder, with its database in another."""
    folder.mkdir(exist_ok=True)
    return run(
        tool("dbt"),
        command,
        *arguments,
        "--vars",
        json.dumps({"input_path": str(files)}),
        PERSONAS_WAREHOUSE=str(folder / "warehouse.duckdb"),
        DBT_TARGET_PATH=str(folder / "target"),
        DBT_LOG_PATH=str(folder / "logs"),
    )


def selected(layers: Sequence[str]) -> list[str]:
    return ["--select", *(f"path:{layer}" for layer in layers)]


def model_seconds(folder: Path) -> dict[str, float]:
    """List the models of the last run with their seconds; hooks of the run are not models."""
    results = json.loads((folder / "target/run_results.json").read_text())["results"]
    return {
        result["unique_id"].split(".")[-1]: result["execution_time"]
        for result in results
        if result["unique_id"].startswith("model.")
    }


def print_models(seconds: dict[str, float]) -> None:
    for name, value in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"{value:8.2f} s {name}")


def generate(folder: Path, persons: int) -> Path:
    """Write a sample as Parquet, unless it is there."""
    files = folder / f"sample_{persons}"
    if not files.exists():
        options = ["--persons", str(persons), "--format", "parquet"]
        run(tool("applicant-personas"), "sample", str(files), *options)
    return files


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Make the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "personas")
    return parser


def ready(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
