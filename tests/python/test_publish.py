"""The copy that readers open: when it is renewed, that it is whole, and what it holds.

When: on a project of three marts with the project's own macros and hooks. Whole: by readers and
kills, as benchmarks/served_copy.py counts them, which takes more of both. What: on the sample's.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import warehouse
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from applicant_personas.served_copy import DECIMALS, QUESTIONS, Mart, publish, read_manifest

PUBLIC = "{{ config(access='public', schema='marts') }} "
PROJECT = {
    "dbt_project.yml": f"""
name: applicant_personas
profile: tiny
model-paths: [models]
test-paths: [tests]
macro-paths: [{warehouse.ROOT / "macros"}]
on-run-start: ["{{{{ start_build_status() }}}}"]
on-run-end: ["{{{{ end_build_status() }}}}", "{{{{ publish_marts() }}}}"]
models: {{+group: enrollment, +materialized: table}}
vars: {{figure: 1, most: 9, min_cell: 11, serve_path: serve}}
""",
    "profiles.yml": """
tiny:
  target: dev
  outputs:
    dev: {type: duckdb, path: tiny.duckdb, plugins: [{module: applicant_personas.publish}]}
    plain: {type: duckdb, path: tiny.duckdb}
""",
    "models/groups.yml": "groups: [{name: enrollment, owner: {name: Enrollment}}]",
    "models/int_as_of.sql": "select current_date as as_of",
    "models/stg_feature_catalog.sql": "select 'gpa' as feature, 'Grades' as label",
    "models/dim_personas.sql": PUBLIC
    + "select 'persona_01' as persona_key, 'Movers' as persona_name, {{ var('figure') }} as n,"
    " true as is_active, '' as description, 1 as n_applicants, 1 as share, 1 as stability,"
    " '' as top_traits",
    "models/rpt_traits.sql": PUBLIC
    + "select persona_key, 'gpa' as feature, n / 3 as z from {{ ref('dim_personas') }}",
    "models/dq_build_status.sql": PUBLIC.replace("marts", "data_quality")
    + "{{ building_row('current_date') }}",
    "tests/n_is_small.sql": "select * from {{ ref('dim_personas') }} where n > {{ var('most') }}",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("tiny")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DBT_TARGET_PATH", "DBT_LOG_PATH"):
            patch.setenv(name, str(folder / "target"))
        patch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
        patch.chdir(folder)
        yield folder
    DuckDBConnectionManager.close_all_connections()


@functools.cache
def parsed() -> Manifest:
    """Parse the tiny project; no var that the tests set changes what comes of it."""
    return dbtRunner().invoke(["--quiet", "parse"]).result


def build(*arguments: str, **variables: Any) -> tuple[bool, list[str]]:
    """Build; returns whether it went through, and what the project said."""
    said: list[str] = []

    def hear(event: Any) -> None:
        said.extend([event.data.msg] if event.info.name == "JinjaLogInfo" else [])

    command = ["--quiet", "build", *arguments, "--vars", json.dumps(variables)]
    done = dbtRunner(parsed(), callbacks=[hear]).invoke(command)
    DuckDBConnectionManager.close_all_connections()
    return done.success, said


def served(folder: Path, query: str, serve: str = "serve") -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / serve / "personas.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_only_a_whole_build_that_passes_renews_the_copy(tiny: Path) -> None:
    assert build(figure=2) == (True, ["Published: serve/personas.duckdb, 3 marts."])
    assert served(tiny, "select status from data_quality.dq_build_status") == [("complete",)]
    first = read_manifest(tiny / "serve")

    is_fine, said = build(figure=10)
    assert not is_fine
    assert len(said) == 1
    assert said[0].startswith("Not published: ")
    assert said[0].endswith("failed or were skipped; serve/personas.duckdb stays as it is.")
    _, said = build("--select", "dim_personas+", figure=3)
    assert said[0].startswith("Not published: that takes a build of all marts with their data test")
    assert build("--exclude-resource-type", "test", figure=3)[1] == said
    assert build("--target", "plain", figure=3) == (True, [])
    assert build(figure=3, serve_path=None) == (True, [])
    assert served(tiny, "select n from marts.dim_personas") == [(2,)]
    assert read_manifest(tiny / "serve") == first

    assert build(figure=4)[0]
    assert served(tiny, "select persona_name, feature_label, z from marts.rpt_traits") == [
        ("Movers", "Grades", 1.3333)
    ]
    assert {folder.name for folder in (tiny / "serve/parquet").iterdir()} == {
        first["run"],
        read_manifest(tiny / "serve")["run"],
    }


def test_the_copy_may_lie_in_a_folder_of_any_name(tiny: Path) -> None:
    folder = 'O\'Brien & "Söhne" $1 ]]; drop schema marts cascade; --'
    is_fine, said = build(serve_path=folder)
    assert is_fine
    assert said == [f"Published: {folder}/personas.duckdb, 3 marts."]
    assert served(tiny, "select persona_key from marts.dim_personas", folder) == [("persona_01",)]


def test_readers_always_find_a_whole_copy_and_a_kill_leaves_one(tmp_path: Path) -> None:
    script = warehouse.ROOT / "benchmarks/served_copy.py"
    asked = ["--renewals", "6", "--kills", "8", "--folder", str(tmp_path)]
    done = subprocess.run([sys.executable, str(script), *asked], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    killed, renewed = (json.loads(line) for line in done.stdout.splitlines())
    assert killed["versions"] > 1
    assert renewed["versions"] > 1
    assert renewed["reads"] > 6


def test_a_set_that_tells_of_someone_who_is_gone_is_not_kept(tmp_path: Path) -> None:
    mart = Mart("memory.main.people", "marts", "fct_people", "People.", {"person_id": "Who."})
    with duckdb.connect() as connection:
        for n, (people, kept) in enumerate([(3, 1), (3, 2), (2, 1), (4, 2)]):
            connection.execute(
                f"create or replace table people as"
                f" select 'P' || i as person_id from range({people})"
                " as t (i)"
            )
            publish(connection, tmp_path, [mart], f"20260101T00000{n}-a")
            runs = sorted(run.name for run in (tmp_path / "parquet").iterdir())
            assert len(runs) == kept, people
            assert runs[-1] == f"20260101T00000{n}-a"


def test_a_publication_that_fails_leaves_the_copy(tmp_path: Path) -> None:
    good = Mart("memory.main.people", "marts", "fct_people", "People.", {"person_id": "Who."})
    with duckdb.connect() as connection:
        connection.execute("create table people as select 'P' as person_id")
        publish(connection, tmp_path, [good], "20260101T000000-a")
        files = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*") if file.is_file()}
        bad = Mart("memory.main.nothing", "marts", "rpt_nothing", "", {})
        with pytest.raises(duckdb.CatalogException):
            publish(connection, tmp_path, [good, bad], "20260101T000001-a")
        assert (
            files.items()
            <= {
                file: file.stat().st_mtime_ns for file in tmp_path.rglob("*") if file.is_file()
            }.items()
        )
        publish(connection, tmp_path, [good], "20260101T000002-a")
    assert not list(tmp_path.glob(".personas-*"))
    assert len(list((tmp_path / "parquet").iterdir())) == 2


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> warehouse.Warehouse:
    return warehouse.built_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def copy(sample: warehouse.Warehouse) -> Path:
    return warehouse.served_copy(sample)


def test_the_copy_holds_every_public_mart_with_its_figures_and_words(
    sample: warehouse.Warehouse, copy: Path
) -> None:
    nodes = warehouse.public_nodes()
    with duckdb.connect(str(copy / "personas.duckdb"), read_only=True) as of_the_copy:
        # Views of the working database want its name.
        of_the_copy.execute(f"attach '{sample.database}' as warehouse (read_only)")
        tables = of_the_copy.execute(
            "select schema_name, table_name, comment from duckdb_tables()"
            " where database_name = 'personas'"
        ).fetchall()
        assert set(tables) == {
            (node["config"]["schema"], node["name"], node["description"].strip()) for node in nodes
        }
        unsaid = of_the_copy.execute(
            "select table_name, column_name from duckdb_columns()"
            " where database_name = 'personas' and not internal and schema_name <> 'main'"
            " and coalesce(comment, '') = ''"
        ).fetchall()
        assert not unsaid
        for node in nodes:
            table = f"{node['config']['schema']}.{node['name']}"
            columns = of_the_copy.execute(f"describe warehouse.{table}").fetchall()
            names = ", ".join(f'"{name}"' for name, *_ in columns)
            rounded = ", ".join(
                f'round("{name}", {DECIMALS})' if kind == "DOUBLE" else f'"{name}"'
                for name, kind, *_ in columns
            )
            ours, theirs = (
                f"select {names} from personas.{table}",
                f"select {rounded} from warehouse.{table}",
            )
            different = of_the_copy.execute(
                f"(({ours}) except all ({theirs})) union all (({theirs}) except all ({ours}))"
            ).fetchall()
            assert not different, table
        for table in ("fct_enrollment_scores", "rpt_persona_traits", "rpt_headcount_forecast"):
            held = {row[0] for row in of_the_copy.execute(f"describe marts.{table}").fetchall()}
            assert held & {"persona_name", "breakdown_label"}, table
        unnamed = of_the_copy.execute(
            "select count(*) from marts.fct_enrollment_scores"
            " where persona_name is null and persona_key is not null"
            " or program_name is null or not is_latest"
        ).fetchall()
        assert unnamed == [(0,)]


def test_the_five_questions_are_answered_by_views(copy: Path) -> None:
    with duckdb.connect(str(copy / "personas.duckdb"), read_only=True) as connection:
        for view in QUESTIONS:
            assert connection.execute(f"select count(*) from {view}").fetchall()[0][0], view
        versions = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where not internal"
        ).fetchall()
    assert [version.rstrip("+") for (version,) in versions] == ["v1.2.0"]


def test_the_parquet_of_the_manifest_is_the_copy(copy: Path) -> None:
    manifest = read_manifest(copy)
    assert len(manifest["tables"]) == len(warehouse.public_nodes())
    with duckdb.connect(str(copy / "personas.duckdb"), read_only=True) as connection:
        for name, facts in manifest["tables"].items():
            file, table = copy / facts["path"], f"{facts['schema']}.{name}"
            assert facts["rows"] == pq.read_metadata(file).num_rows
            told = json.loads(pq.read_schema(file).metadata[b"columns"])
            assert list(told) == pq.read_schema(file).names
            different = connection.execute(
                f"select count(*) from ((from {table} except all from '{file}')"
                f" union all (from '{file}' except all from {table}))"
            ).fetchall()
            assert different == [(0,)], name
