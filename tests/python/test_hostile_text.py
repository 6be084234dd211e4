"""Text of the user's is never SQL: it comes out as the same text, or as a sentence.

The places that text can come from are found from the contract and from the project's vars.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from input_project import ROOT, Project, Run, assert_stops, contract, csv_text, write_tables

HOSTILE = [
    "'; drop schema input cascade; --",
    'x" from (select 1); drop table t; --',
    "{{ 1 / 0 }} {% endif %}",
    'O\'Brien & "Söhne" \\ %s $1 ]] */',
    "two\nlines",
]
# What these tables say is checked against what the project knows.
CHECKED = {
    "feature_catalog": {"feature": "f_1", "source_column": "persons.x_note", "role": "never"},
}


def text_columns(table: str) -> list[str]:
    columns = contract()[table]["columns"]
    return [column["name"] for column in columns if column["data_type"] == "varchar"]


def typed_columns(table: str) -> list[str]:
    columns = contract()[table]["columns"]
    texts = text_columns(table)
    return [c["name"] for c in columns if c["name"] not in (*texts, "_refused")]


@pytest.fixture(scope="module")
def hostile(project: Project) -> Run:
    """Give every column of every table of the contract each hostile text."""
    folder = write_tables(project.folder / "hostile")
    tables = [table for table in contract() if table not in CHECKED]
    for table in tables:
        columns = [*text_columns(table), *typed_columns(table), 'x_it\'s "y"; {{ z }}']
        rows = [dict.fromkeys(columns, text) for text in HOSTILE]
        (folder / f"{table}.csv").write_text(csv_text(rows))
    # A census date that is none stops the build, as it should.
    terms = [{"entry_term": text} for text in HOSTILE]
    (folder / "entry_terms.csv").write_text(csv_text(terms))
    # A name stands for one persona.
    names = [{"persona_key": text, "persona_name": text} for text in HOSTILE]
    (folder / "persona_names.csv").write_text(csv_text(names))
    # Whoever is on the erasure list is in no table.
    (folder / "erasure_list.csv").unlink()
    run = project.dbt("run", "-s", *(f"input__{table}" for table in tables), input_path=str(folder))
    assert run.result.success, run.message
    return run


@pytest.mark.parametrize("table", sorted({*contract()} - {*CHECKED, "erasure_list"}))
def test_text_of_a_table_comes_out_as_the_same_text(hostile: Run, table: str) -> None:
    present = {"entry_terms": ["entry_term"], "persona_names": ["persona_key", "persona_name"]}
    for name in present.get(table, text_columns(table)):
        found = hostile.rows(f'select "{name}" from input.input__{table} order by 1')
        assert [row[0] for row in found] == sorted(HOSTILE), name
    if table in present:
        return
    refused = hostile.rows(
        "select item.column_name, item.raw_value from ("
        f"select unnest(_refused) as item from input.input__{table})"
    )
    assert sorted(refused) == sorted((c, text) for c in typed_columns(table) for text in HOSTILE)
    own = hostile.rows(f'select "x_it\'s ""y""; {{{{ z }}}}" from input.input__{table}')
    assert sorted(row[0] for row in own) == sorted(HOSTILE)


def test_an_erasure_list_of_hostile_text_erases_them(project: Project, tmp_path: Path) -> None:
    rows = [{"person_id": text} for text in [*HOSTILE, "1"]]
    folder = write_tables(
        tmp_path,
        persons=csv_text(rows),
        erasure_list=csv_text(rows[:-1]),
        applications=csv_text(
            [
                {
                    "application_id": "1",
                    "person_id": HOSTILE[0],
                    "entry_term": "T",
                    "program_code": "P",
                }
            ]
        ),
    )
    run = project.build(folder, "input__persons", "input__applications")
    assert run.result.success, run.message
    assert run.rows("select person_id from input.input__persons") == [("1",)]
    assert run.rows("select count(*) from input.input__applications") == [(0,)]


# Text that is SQL where it is not quoted in every column; and a word that only SQL knows.
CATALOG_TEXTS = [
    *((column, f"O'Brien {HOSTILE[0]} {HOSTILE[1]}") for column in text_columns("feature_catalog")),
    ("feature", "order"),
    ("block", "O'Brien"),
]
FREE_TEXTS = {"label", "description", "unit", "source_column"}


@pytest.mark.parametrize(("column", "text"), CATALOG_TEXTS)
def test_text_of_the_catalog_is_kept_or_refused_in_a_sentence(
    project: Project, tmp_path: Path, column: str, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    row = CHECKED["feature_catalog"] | {column: text}
    folder = write_tables(tmp_path, feature_catalog=csv_text([row]))
    if column not in FREE_TEXTS:
        stopped = lambda: project.build(folder, "input__feature_catalog")  # noqa: E731
        assert_stops(stopped, "Configuration: ", capfd)
        return
    run = project.build(folder, "input__feature_catalog")
    assert run.result.success, run.message
    assert run.rows(f"select {column} from input.input__feature_catalog") == [(text,)]


# --- vars ---------------------------------------------------------------------------------------


def given_vars() -> list[str]:
    return list(yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"])


# Folders that are written to may have any name.
WRITTEN = {"export_path", "serve_path"}


# dbt itself renders Jinja in vars, and says where that fails.
@pytest.mark.parametrize(
    "name", [name for name in given_vars() if name not in {"run_note", *WRITTEN}]
)
def test_hostile_vars_stop_the_run_with_a_sentence(
    project: Project, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    variables: dict[str, Any] = {"input_path": str(write_tables(project.folder / "fine"))}
    if name in ("input_database", "input_schema"):
        variables = {"input_path": None, "input_schema": "crm"}
    hostile = variables | {name: f"{HOSTILE[0]} {HOSTILE[1]} {HOSTILE[3]}"}
    assert_stops(
        lambda: project.dbt("run", "-s", "input__persons", **hostile), "Configuration: ", capfd
    )


def test_the_record_of_exports_may_lie_in_a_folder_of_any_name(
    project: Project, tmp_path: Path
) -> None:
    record = tmp_path / HOSTILE[0] / HOSTILE[1] / "crm_exported.csv"
    record.parent.mkdir(parents=True)
    record.write_text(
        "application_code,state_code,probability,exported_at\na,b,0.5,2026-05-01 08:00:00\n"
    )
    run = project.dbt(
        "show", "--inline", "{{ exported_rows() }}",
        input_path=str(write_tables(project.folder / "exported")),
        export_path=str(record.parent),
    )  # fmt: skip
    assert run.result.success, run.message
    (shown,) = run.result.result.results
    assert [tuple(row)[:2] for row in shown.agate_table.rows] == [("a", "b")]
