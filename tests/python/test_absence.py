"""Whatever optional tables and columns are missing, the build goes through and says what is off.

More random combinations: PERSONAS_ABSENCE_BUILDS=20 pytest tests/python/test_absence.py
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
import yaml
from page_figures import read_figures, wrong_figures
from warehouse import ROOT, Warehouse, build, generate, served_copy

from applicant_personas.command_line.read_copy import read_copy
from applicant_personas.page import make_page

MORE = int(os.environ.get("PERSONAS_ABSENCE_BUILDS", "0"))
# All that is optional; a half of it, and the other half; then random shares.
CASES = ["all", "half", "other half", *(f"seed {number}" for number in range(MORE))]
# The models that know the input, without the fits; with nothing optional everything is built
# and tested.
KNOW_THE_INPUT = ["+ftr_applicants", "+dq_capabilities", "+dq_diverted_rows", "+dq_unmapped_codes"]


def contract() -> dict[str, dict[str, Any]]:
    models = yaml.safe_load((ROOT / "models/input/_input.yml").read_text())["models"]
    metas = {model["name"]: model.get("config", {}).get("meta", {}) for model in models}
    return {
        metas[model["name"]]["table"]: {
            "required": metas[model["name"]]["required"],
            "columns": {
                column["name"]: column.get("config", {}).get("meta", {})
                for column in model["columns"]
            },
        }
        for model in models
        if "table" in metas[model["name"]]
    }


def optional(tables: dict[str, pd.DataFrame]) -> list[str]:
    """List the tables, and as table.column the columns, that a source may lack."""
    known = contract()
    return [
        *(table for table in tables if not known[table]["required"]),
        *(
            f"{table}.{column}"
            for table, frame in tables.items()
            for column in frame
            if not known[table]["columns"][column].get("required")
        ),
    ]


def choose(case: str, names: list[str]) -> set[str]:
    if case == "all":
        return set(names)
    chance = random.Random(case if case.startswith("seed") else "half")
    share = chance.random() if case.startswith("seed") else 0.5
    chosen = {name for name in names if chance.random() < share}
    return set(names) - chosen if case == "other half" else chosen


@dataclass
class Case:
    absent: set[str]
    present: set[str]
    capabilities: pd.DataFrame
    warehouse: Warehouse
    is_whole: bool


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = generate(tmp_path_factory.mktemp("made"), "--persons", "500")
    return {
        path.stem: pd.read_csv(path, dtype=str, keep_default_na=False)
        for path in sorted(folder.glob("*.csv"))
    }


@pytest.fixture(scope="module", params=CASES)
def case(
    request: pytest.FixtureRequest,
    made: dict[str, pd.DataFrame],
    tmp_path_factory: pytest.TempPathFactory,
) -> Case:
    folder = tmp_path_factory.mktemp("absence")
    absent = choose(request.param, optional(made))
    (folder / "input").mkdir()
    for table, frame in made.items():
        if table not in absent:
            kept = frame[[name for name in frame if f"{table}.{name}" not in absent]]
            kept.to_csv(folder / "input" / f"{table}.csv", index=False)
    is_all = request.param == "all"
    select = () if is_all else KNOW_THE_INPUT
    warehouse = build(folder, folder / "input", select=select, with_tests=is_all)
    capabilities = warehouse.frame("select * from data_quality.dq_capabilities")
    capabilities = capabilities.set_index("capability")
    filled = {
        f"{table}.{name}"
        for table, frame in made.items()
        for name in frame
        if table not in absent and (frame[name] != "").any()
    }
    return Case(absent, filled - absent, capabilities, warehouse, is_all)


def test_every_applicant_is_described(case: Case) -> None:
    described = "select count(distinct person_id) from features.ftr_applicants"
    assert case.warehouse.column(described)[0] > 400


def test_what_is_absent_is_off_with_its_reason_and_what_depends_on_it(case: Case) -> None:
    known = contract()
    for name in case.absent:
        table, _, column = name.partition(".")
        row = case.capabilities.loc[name]
        assert not row["is_available"], name
        if table in case.absent:
            assert row["reason"].startswith(f"The source has no table {table}"), name
        else:
            assert f"has no column {column}" in row["reason"], name
        meta = known[table]["columns"].get(column, {})
        if not meta.get("substitute"):
            affected = set(str(row["affected_features"]).split(", "))
            assert set(meta.get("features", [])) <= affected, name
            assert set(meta.get("marts", [])) <= set(str(row["affected_marts"]).split(", ")), name


def test_what_is_there_is_on(case: Case) -> None:
    is_on = case.capabilities["is_available"]
    # A mark of deletion goes with the people who bear it.
    present = case.present - {"persons.is_deleted"}
    assert [name for name in sorted(present) if not is_on[name]] == []


def test_the_audit_says_what_it_could_not_audit(case: Case) -> None:
    """Of these builds only the one without anything optional goes on to the marts."""
    built = "select count(*) from information_schema.tables where table_name = 'audit_fairness'"
    assert case.warehouse.column(built) == [int(case.is_whole)]
    if case.is_whole:
        said = "select attribute from audit.audit_fairness where metric = 'not_audited'"
        assert "protected_attributes" in case.warehouse.column(said)
        assert case.warehouse.column("select count(*) from marts.rpt_what_if") == [0]


# Only a build of everything is published.
@pytest.mark.parametrize("case", ["all"], indirect=True)
def test_the_page_of_the_required_columns_says_what_is_missing_and_why(case: Case) -> None:
    copy = served_copy(case.warehouse)
    html = make_page(*read_copy(copy)).html
    assert "This input tells neither personas nor likelihoods." in html
    assert "The source has no table stage_events" in html
    assert not wrong_figures(read_figures(html), copy)
