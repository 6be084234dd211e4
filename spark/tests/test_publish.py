"""Marts of Spark are published as those of DuckDB are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import export_marts
import pytest
from publish_marts import PROJECT, main
from pyspark.sql import SparkSession

from applicant_personas.served_copy import read_manifest

MART, TEST = f"model.{PROJECT}.dim_programs", f"test.{PROJECT}.dim_programs_is_sound.0"
NODES = {
    MART: {
        "name": "dim_programs",
        "package_name": PROJECT,
        "resource_type": "model",
        "relation_name": "`marts`.`dim_programs`",
        "config": {"access": "public", "schema": "marts"},
        "description": "The programs.",
        "columns": {"n": {"description": "How many."}},
    },
    TEST: {"package_name": PROJECT, "resource_type": "test", "config": {}},
}


@pytest.fixture
def folder(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    for table, query in {
        "staging.stg_feature_catalog": "select 'gpa' as feature, 'Grades' as label",
        "marts.dim_programs": "select 'MBA' as program_code, 'Business' as program_name, 3 as n,"
        " 0.123456D as share",
    }.items():
        session.sql(f"create schema if not exists {table.split('.')[0]}")
        session.sql(f"create table {table} using parquet as {query}")
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": NODES}))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    yield tmp_path / "the dean's"
    for schema in ("staging", "marts"):
        session.sql(f"drop schema {schema} cascade")


def ran(folder: Path, **statuses: str) -> None:
    results = [
        {"unique_id": {"mart": MART, "test": TEST}[kind], "status": status}
        for kind, status in statuses.items()
    ]
    metadata = {"invocation_id": "abcdef0123", "invocation_started_at": "2026-05-15T01:02:03Z"}
    run = {"metadata": metadata, "results": results, "args": {"vars": {"min_cell": 7}}}
    (folder.parent / "run_results.json").write_text(json.dumps(run))


def test_a_whole_build_that_passed_is_published(folder: Path) -> None:
    ran(folder, mart="success", test="pass")
    assert main(folder) == 0
    manifest = read_manifest(folder)
    assert manifest["run"] == "20260515T010203-abcdef01"
    assert manifest["min_cell"] == 7
    with duckdb.connect(str(folder / "personas.duckdb"), read_only=True) as copy:
        assert copy.execute("select program_name, n, share from marts.dim_programs").fetchall() == [
            ("Business", 3, 0.1235)
        ]
        told = "select comment from duckdb_columns() where column_name = 'n'"
        assert copy.execute(told).fetchall() == [("How many.",)]


@pytest.mark.parametrize(
    ("statuses", "why"),
    [
        ({"mart": "success", "test": "fail"}, "1 of 2 steps failed or were skipped"),
        ({"mart": "success"}, "that takes a build of all marts with their data tests"),
    ],
)
def test_what_failed_or_is_a_part_is_not(
    folder: Path, capsys: pytest.CaptureFixture[str], statuses: dict[str, str], why: str
) -> None:
    ran(folder, **statuses)
    assert main(folder) == 1
    assert capsys.readouterr().out.startswith(f"Not published: {why}; ")
    assert not folder.exists()


def test_marts_are_exported_as_they_are(folder: Path) -> None:
    file = folder / "marts.duckdb"
    assert export_marts.main(file) == 0
    with duckdb.connect(str(file), read_only=True) as exported:
        found = exported.execute("select share from marts.marts.dim_programs")
        assert found.fetchall() == [(0.123456,)]
