"""The real input: 53,527 applications from a flat file, mapped as a user would and built."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from warehouse import build

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/edulix"
SOURCE = ROOT.parent / "shared/data/edulix/edulix_applications.csv.gz"

N_APPLICATIONS, N_PERSONS, N_PROGRAMS = 53_527, 14_798, 54
PHASE = {"name": "admission", "at_risk": "submitted", "outcome": "admitted"}

pytestmark = pytest.mark.skipif(
    not SOURCE.exists(), reason="the edulix data is not at ../shared/data/edulix"
)


@pytest.fixture(scope="session")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edulix") / "input"
    command = [sys.executable, str(EXAMPLE / "map.py"), str(SOURCE), str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def marts(mapped: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Map and build once, with all data tests, and read the database that is left."""
    built = build(mapped.parent, mapped, with_tests=True, phases=[PHASE])
    with duckdb.connect(str(built.database), read_only=True) as connection:
        connection.execute(
            f"create temp view raw as select * from read_csv('{SOURCE}', all_varchar = true)"
        )
        yield connection


def number(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


# --- every row is accounted for -----------------------------------------------------------------


def test_the_mapping_numbers_each_line_of_the_file(mapped: Path) -> None:
    lines = duckdb.read_csv(str(SOURCE), all_varchar=True).fetchall()
    table = str(mapped / "applications.parquet")
    rows = duckdb.sql(
        f"select application_id, person_id, program_code, current_stage from '{table}' order by 1"
    ).fetchall()
    assert len(lines) == len(rows) == N_APPLICATIONS
    for place, (line, row) in enumerate(zip(lines, rows, strict=True), start=1):
        *_, university, _, admit, applicant = line
        stage = "admitted" if admit == "1" else "denied"
        assert row == (f"E{place:05}", applicant, university, stage)


def test_the_mapping_drops_no_score(mapped: Path) -> None:
    columns = ("toeflScore", "toeflEssay", "greV", "greQ", "greA", "gmatV", "gmatQ", "gmatA")
    stated = number(
        duckdb.connect(),
        f"select {' + '.join(f'count({name})' for name in columns)} "
        f"from read_csv('{SOURCE}', all_varchar = true)",
    )
    table = str(mapped / "test_scores.parquet")
    assert number(duckdb.connect(), f"select count(value) from '{table}'") == stated
    assert number(duckdb.connect(), f"select count(distinct score_id) from '{table}'") == stated


def test_all_rows_reconcile(marts: duckdb.DuckDBPyConnection) -> None:
    unbalanced = "select count(*) from data_quality.dq_reconciliation where not balanced"
    assert number(marts, unbalanced) == 0
    found = marts.execute(
        "select layer, table_name, rows_in, rows_out, rows_diverted from ("
        '  select *, "table" as table_name from data_quality.dq_reconciliation'
        ") where rule = 'all' and layer in ('input', 'staging') and rows_in > 0"
        "  and table_name in ('persons', 'applications', 'education_records', 'programs')"
    ).fetchall()
    expected = {
        "persons": N_PERSONS,
        "applications": N_APPLICATIONS,
        "education_records": N_APPLICATIONS,
        "programs": N_PROGRAMS,
    }
    assert sorted(found) == sorted(
        (layer, table, n, n, 0) for layer in ("input", "staging") for table, n in expected.items()
    )


def test_each_application_has_a_score_and_each_applicant_a_persona(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    scored = "select count(distinct application_id) from marts.fct_enrollment_scores"
    placed = "select count(distinct person_id) from marts.fct_applicant_personas"
    assert number(marts, scored) == N_APPLICATIONS
    assert number(marts, placed) == N_PERSONS


# --- dirt is found, in the number that the raw file has -----------------------------------------

ISSUES = {
    "GRE verbal on neither scale": (
        "greV::double not between 130 and 170 and greV::double not between 200 and 800",
        "rule = 'on_neither_scale' and row_key like '%-gre-verbal'",
        594,
    ),
    "TOEFL of the computer-based test": (
        "toeflScore::double between 121 and 300",
        "rule = 'toefl_cbt_scale' and row_key like '%-toefl-total'",
        1_218,
    ),
    "TOEFL of the paper-based test": (
        "toeflScore::double between 310 and 677",
        "rule = 'toefl_pbt_scale' and row_key like '%-toefl-total'",
        14,
    ),
    "TOEFL of zero": (
        "toeflScore::double = 0",
        "rule = 'zero' and row_key like '%-toefl-total'",
        22,
    ),
    "GPA scale of zero": ("cgpaScale::double = 0", "rule = 'scale_zero'", 2_261),
    "GPA above its scale": (
        "cgpaScale::double > 0 and cgpa::double > cgpaScale::double",
        "rule = 'exceeds_scale'",
        58,
    ),
}


@pytest.mark.parametrize("name", ISSUES)
def test_each_kind_of_dirt_is_found(marts: duckdb.DuckDBPyConnection, name: str) -> None:
    in_file, in_mart, expected = ISSUES[name]
    issues = f"select row_key from data_quality.dq_score_issues where {in_mart}"
    assert number(marts, f"select count(*) from raw where {in_file}") == expected
    assert number(marts, f"select count(*) from ({issues})") == expected
    assert number(marts, f"select count(distinct row_key) from ({issues})") == expected


def test_both_gre_scales_end_on_the_current_one(marts: duckdb.DuckDBPyConnection) -> None:
    for column, component in (("greV", "verbal"), ("greQ", "quant")):
        current, prior, low, high = marts.execute(
            "select count(*) filter (rule is null), count(*) filter (rule = 'gre_prior_scale'),"
            "  min(value), max(value) "
            "from intermediate.int_scores_harmonized "
            f"where family = 'gre' and component = '{component}' and is_usable"
        ).fetchone()
        between = f"select count(*) from raw where {column}::double between"
        assert current == number(marts, f"{between} 130 and 170")
        # Whole tens are scores of the prior scale, 260 to 340 only if their sitting says so.
        on_scale = number(marts, f"{between} 200 and 800 and {column}::double % 10 = 0")
        assert 0.999 * on_scale <= prior <= on_scale
        assert low >= 130
        assert high <= 170


def test_all_versions_of_the_toefl_end_on_one_axis(marts: duckdb.DuckDBPyConnection) -> None:
    found = dict(
        marts.execute(
            "select scale_code, count(english_level) from intermediate.int_scores_harmonized "
            "where family = 'english' and component = 'total' and is_usable group by scale_code"
        ).fetchall()
    )
    assert found["toefl_0_300"] == ISSUES["TOEFL of the computer-based test"][2]
    assert found["toefl_310_677"] == ISSUES["TOEFL of the paper-based test"][2]
    assert found["toefl_0_120"] == number(
        marts, "select count(*) from raw where toeflScore::double between 10 and 120"
    )
    # Bands of the IELTS in the field of the TOEFL: whole numbers that no other scale has.
    assert found["ielts_0_9"] == number(
        marts, "select count(*) from raw where toeflScore::double in (7, 8, 9)"
    )
    outside = "english_level not between 0 and 120"
    assert number(marts, f"select count(*) from features.ftr_applicants where {outside}") == 0


# --- what the input can and can't do ------------------------------------------------------------


def test_capabilities_say_that_nothing_is_dated(marts: duckdb.DuckDBPyConnection) -> None:
    capabilities = "select reason from data_quality.dq_capabilities where not is_available and"
    assert "Static mode" in number(marts, f"{capabilities} capability = 'timing'")
    off = marts.execute(
        "select capability from data_quality.dq_capabilities "
        "where level = 'table' and not is_available and capability not like 'xwalk_%' "
        "and capability not in ('erasure_list', 'persona_names') order by 1"
    ).fetchall()
    assert off == [("interactions",), ("protected_attributes",), ("stage_events",)]


# --- admission is predicted ---------------------------------------------------------------------


def auc(marts: duckdb.DuckDBPyConnection, model: str, cycle: str) -> float:
    return float(
        number(
            marts,
            "select value from marts.rpt_model_evaluation where phase = 'admission' "
            f"and slice = 'all' and metric = 'auc' and model = '{model}' "
            f"and test_cycle = '{cycle}'",
        )
    )


def test_marts_that_time_would_change_say_that_there_is_none(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    found = marts.execute(
        "select table_name from information_schema.columns"
        " where table_schema = 'marts' and column_name = 'is_static'"
    ).fetchall()
    # Nothing is open, so that there is nothing to forecast or wind back to, and no feature is one
    # that can be acted on.
    empty = {"rpt_headcount_backtest", "rpt_headcount_coverage", "rpt_headcount_forecast"}
    empty |= {"rpt_what_if"}
    tables = {table for (table,) in found}
    assert len(tables - empty) >= 10
    for table in tables - empty:
        said = marts.execute(f"select distinct is_static from marts.{table}").fetchall()
        assert said == [(True,)], table


def test_admission_is_predicted_for_people_not_seen(marts: duckdb.DuckDBPyConnection) -> None:
    likelihood = auc(marts, "likelihood", "grouped_5_fold")
    assert likelihood >= 0.80
    assert likelihood > auc(marts, "logistic_regression", "grouped_5_fold")
    gap = number(
        marts,
        "select value from marts.rpt_model_evaluation where phase = 'admission' and slice = 'all'"
        " and metric = 'ece' and model = 'likelihood' and test_cycle = 'grouped_5_fold'",
    )
    assert gap <= 0.03


def test_the_last_closed_cycle_is_evaluated(marts: duckdb.DuckDBPyConnection) -> None:
    last = number(
        marts,
        "select entry_term from marts.dim_entry_terms where status = 'closed' "
        "order by term_order desc nulls last limit 1",
    )
    assert last == "Fall 2016"
    likelihood = auc(marts, "likelihood", last)
    assert likelihood >= 0.7
    assert likelihood > auc(marts, "persona_rate", last)
    assert likelihood > auc(marts, "previous_cycle_rate", last)


def test_the_university_matters_most(marts: duckdb.DuckDBPyConnection) -> None:
    best = number(
        marts,
        "select feature from marts.rpt_feature_importance where scope = 'global' "
        "and target = 'enrollment' and feature not like 'block:%' "
        "order by importance desc limit 1",
    )
    assert best == "program_code"
