"""Tables are made beside the earlier ones and put in their place at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from warehouse import ROOT

PROJECT = {
    "dbt_project.yml": """
name: tiny
profile: tiny
models: {+materialized: table, +persist_docs: {relation: true, columns: true}}
vars: {divisor: 1}
""",
    "profiles.yml": """
tiny:
  target: dev
  outputs:
    dev: {type: duckdb, path: tiny.duckdb, config_options: {memory_limit: 1000MiB}}
    side_by_side: {type: duckdb, path: tiny.duckdb, threads: 2}
""",
    "models/counted.sql": "select cast(6 / {{ var('divisor') }} as int) as n",
    "models/fitted.py": """
def model(dbt, session):
    [(n,)] = dbt.ref("counted").fetchall()
    [(held,)] = session.sql("select current_setting('memory_limit')").fetchall()
    return session.sql(f"select {12 // n} as n, '{held}' as held")
""",
    "models/then.sql": """
-- depends_on: {{ ref('counted') }}
select current_setting('memory_limit') as held
""",
    "models/_models.yml": """
models:
  - {name: counted, description: What is counted., columns: [{name: n, description: How many.}]}
""",
}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "macros/materializations", tmp_path / "macros")
    (tmp_path / "models").mkdir()
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    for name in ("DBT_TARGET_PATH", "DBT_LOG_PATH"):
        monkeypatch.setenv(name, str(tmp_path / "target"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tiny.duckdb"


def run(divisor: str, *arguments: str) -> bool:
    done = dbtRunner().invoke(["--quiet", "run", "--vars", f"{{divisor: {divisor}}}", *arguments])
    DuckDBConnectionManager.close_all_connections()
    return done.success


def read(database: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database)) as connection:
        return connection.execute(query).fetchall()


BOTH = "select counted.n, fitted.n from counted, fitted"
HELD = 'select fitted.held, "then".held from fitted, "then"'
TABLES = "select table_name, table_type from information_schema.tables order by 1"


def test_a_table_takes_the_place_of_what_was_there(tiny: Path) -> None:
    with duckdb.connect(str(tiny)) as connection:
        connection.execute("create view counted as select 'of another kind' as n")
        # What a build leaves that is killed while a model in Python is written.
        connection.execute("create table fitted__dbt_tmp as select 'left' as n")
    assert run("1")
    assert run("2")
    assert read(tiny, BOTH) == [(3, 4)]
    assert read(tiny, TABLES) == [(name, "BASE TABLE") for name in ("counted", "fitted", "then")]
    said = "select comment from duckdb_{}s() where table_name = 'counted'"
    assert read(tiny, said.format("table")) == [("What is counted.",)]
    assert read(tiny, said.format("column")) == [("How many.",)]


def test_a_model_that_fails_leaves_the_earlier_table(tiny: Path) -> None:
    assert run("2")
    assert not run("'nothing'")
    assert read(tiny, BOTH) == [(3, 4)]
    # 6 / 20 is none, by which the second divides.
    assert not run("20")
    assert read(tiny, BOTH) == [(0, 4)]
    assert [name for name, _ in read(tiny, TABLES)] == ["counted", "fitted", "then"]


def test_a_model_that_fails_gives_the_memory_back(tiny: Path) -> None:
    assert not run("20")
    assert read(tiny, TABLES) == [(name, "BASE TABLE") for name in ("counted", "then")]
    assert read(tiny, 'select held from "then"') == [("1000.0 MiB",)]


def test_while_python_runs_duckdb_holds_less(tiny: Path) -> None:
    assert run("2")
    assert read(tiny, HELD) == [("286.1 MiB", "1000.0 MiB")]


def test_beside_other_models_it_holds_what_it_did(tiny: Path) -> None:
    assert run("2", "--target", "side_by_side")
    [(during, then)] = read(tiny, HELD)
    assert during == then != "286.1 MiB"
