"""A project of the input layer alone, and small tables for it."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult

ROOT = Path(__file__).parents[2]
Rows = list[dict[str, str]]

PERSONS: Rows = [
    {
        "person_id": "p1",
        "created_at": "2024-09-01 10:00:00",
        "is_test": "yes",
        "distance_km": "12.5",
        "birth_year": "1990",
        "country_of_residence": "US",
        "x_note": 'likes "tea"; and,\ncoffee',
    },
    {"person_id": "p2", "created_at": "2024-09-02T08:30:00Z", "is_test": "0", "x_note": ""},
    {"person_id": "p3", "created_at": "2024-09-03", "distance_km": "0.25", "x_note": " padded "},
]
APPLICATIONS: Rows = [
    {
        "application_id": "a1",
        "person_id": "p1",
        "entry_term": "2025FA",
        "program_code": "MBA",
        "submitted_at": "2024-10-01 00:00:00",
        "english_waived": "true",
        "x_round": "1",
    },
    {
        "application_id": "a2",
        "person_id": "p2",
        "entry_term": "2025FA",
        "program_code": "MSC",
        "submitted_at": "2024-10-02 12:00:00",
        "english_waived": "f",
        "x_round": "2",
    },
]
SCORES: Rows = [
    {
        "score_id": "s1",
        "person_id": "p1",
        "test_code": "ielts",
        "component": "total",
        "value": "7.5",
        "test_date": "2024-05-06",
    }
]
TABLES = {"persons": PERSONS, "applications": APPLICATIONS, "test_scores": SCORES}


@dataclass
class Run:
    """What a build left: how it ended, and the database it wrote."""

    result: dbtRunnerResult
    database: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(query).fetchall()

    @property
    def message(self) -> str:
        results = getattr(self.result.result, "results", [])
        messages = [str(self.result.exception or "")]
        return "\n".join(messages + [str(result.message) for result in results])


def with_upstream(argument: str) -> str:
    """Select a model together with what it reads."""
    return f"+{argument}" if argument.startswith("input__") else argument


class Project:
    """A project of the input layer alone, parsed once, so that a build takes a second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_runs = 0
        self.manifest = None
        self.manifest = self.dbt("parse").result.result

    def dbt(self, *arguments: str, database: Path | None = None, **variables: Any) -> Run:
        self.n_runs += 1
        database = database or self.folder / f"run_{self.n_runs}/warehouse.duckdb"
        database.parent.mkdir(exist_ok=True)
        os.environ["PERSONAS_WAREHOUSE"] = str(database)
        folders = ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]
        runner = dbtRunner(manifest=self.manifest)
        result = runner.invoke(
            [
                *map(with_upstream, arguments),
                *folders,
                "--quiet",
                "--vars",
                yaml.safe_dump(variables),
            ]
        )
        DuckDBConnectionManager.close_all_connections()
        return Run(result, database)

    def build(self, input_path: Path, *models: str, **options: Any) -> Run:
        select = models or tuple(f"input__{table}" for table in TABLES)
        return self.dbt("run", "-s", *select, input_path=str(input_path), **options)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "profiles.yml", folder)
    config = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    config["models"] = {"applicant_personas": {"input": {"+schema": "input"}}}
    config.pop("seeds", None)
    config.pop("data_tests", None)
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(config))
    for name in ("macros", "models/input", "python_models/input", "tests/generic"):
        shutil.copytree(ROOT / name, folder / name)
    for name in (
        "models/data_quality/dq_capabilities.sql",
        "models/data_quality/dq_input_files.sql",
        "models/data_quality/dq_rejected_records.sql",
        "models/data_quality/_input_quality.yml",
        "seeds/catalog/feature_catalog.csv",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    saved, here = dict(os.environ), Path.cwd()
    os.environ["DBT_TARGET_PATH"] = str(folder / "target")
    os.environ["DBT_LOG_PATH"] = str(folder / "logs")
    os.environ["DBT_WRITE_JSON"] = "false"
    try:
        yield Project(folder)
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(saved)


def csv_text(rows: Rows, columns: list[str] | None = None, **dialect: Any) -> str:
    columns = columns or list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, **{"lineterminator": "\n", **dialect})
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_tables(folder: Path, **changed: str) -> Path:
    """Write the small tables as plain CSV; `changed` gives other text for some, '' removes."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {table: csv_text(rows) for table, rows in TABLES.items()} | changed
    for table, text in texts.items():
        if text:
            (folder / f"{table}.csv").write_text(text)
    return folder


def contract() -> dict[str, dict[str, Any]]:
    models = yaml.safe_load((ROOT / "models/input/_input.yml").read_text())["models"]
    tables = [model for model in models if "table" in model.get("config", {}).get("meta", {})]
    return {model["config"]["meta"]["table"]: model for model in tables}


def column_meta() -> Iterator[dict[str, Any]]:
    for table in contract().values():
        for column in table["columns"]:
            yield column.get("config", {}).get("meta", {})


def assert_stops(
    invoke: Callable[[], Run], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Run dbt, which has to fail with the sentence, and with no traceback anywhere."""
    run = invoke()
    assert not run.result.success
    assert sentence in run.message
    assert "Traceback" not in "".join([run.message, *capfd.readouterr()])
