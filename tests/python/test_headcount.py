"""Headcounts of a whole build: they add up, count people, and come out the same every time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from warehouse import Warehouse, build, generate, run_dbt

MARTS = ["rpt_headcount_forecast", "rpt_headcount_backtest", "rpt_headcount_coverage"]
CLOSED = ["2023FA", "2024FA", "2025FA"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("headcount")


@pytest.fixture(scope="module")
def warehouse(folder: Path) -> Warehouse:
    """Build the headcounts of a thousand persons, everyone published."""
    tables = generate(folder / "input", "--persons", "1000", "--dirt", "0", "--seed", "5")
    return build(folder, tables, select=[f"+{mart}" for mart in MARTS], min_cell=1)


@pytest.mark.parametrize("mart", MARTS[:2])
def test_every_breakdown_adds_up_to_all(warehouse: Warehouse, mart: str) -> None:
    rows = warehouse.frame(f"select * from marts.{mart}")
    counted = ["n_population", "already_enrolled", "expected_in_ladder"]
    sums = rows.groupby(["entry_term", "known_on", "breakdown"])[counted].sum().unstack("breakdown")
    assert (sums[("n_population", "all")] > 0).all()
    for column in counted:
        whole = sums[(column, "all")]
        assert (sums[(column, "persona")] - whole).abs().max() < 1e-6
        # People count in each program that they applied to.
        assert (sums[(column, "program")] >= whole - 1e-6).all()
    on_rungs = sums[("expected_in_ladder", "phase")] - sums[("expected_in_ladder", "all")]
    assert on_rungs.abs().max() < 1e-6


def test_the_actual_headcount_is_the_people_who_enrolled(
    warehouse: Warehouse, folder: Path
) -> None:
    events = pd.read_csv(folder / "input/stage_events.csv")
    applications = pd.read_csv(folder / "input/applications.csv")
    enrolled = events.loc[events["stage"] == "enrolled", ["application_id"]].drop_duplicates()
    people = applications.merge(enrolled).groupby("entry_term")["person_id"].nunique()
    rows = warehouse.frame(
        "select entry_term, days_to_census, actual from marts.rpt_headcount_backtest"
        " where breakdown = 'all'"
    )
    assert set(rows["entry_term"]) == set(CLOSED[1:])
    assert set(rows["days_to_census"]) == {150, 118, 90, 60, 30}
    assert (rows["actual"] == rows["entry_term"].map(people)).all()


def test_who_is_yet_to_come_is_who_came_to_earlier_cycles_after_the_day(
    warehouse: Warehouse,
) -> None:
    came = warehouse.frame(
        "select entry_term, days_to_census, count(*) filter (outcome = 1) as n"
        " from (select distinct entry_term, days_to_census, person_id, outcome"
        "       from intermediate.int_outcomes_labeled where outcome = 1)"
        " group by all"
    ).set_index(["entry_term", "days_to_census"])["n"]
    rows = warehouse.frame(
        "select entry_term, days_to_census, actual, expected_yet_to_come"
        " from marts.rpt_headcount_backtest where breakdown = 'all' and entry_term = '2025FA'"
    )
    actual = warehouse.frame(
        "select entry_term, count(distinct person_id) as n"
        " from intermediate.int_risk_periods"
        " join intermediate.int_applications_dated using (application_id)"
        " where has_outcome group by all"
    ).set_index("entry_term")["n"]
    assert (rows["expected_yet_to_come"] > 0).any()
    for row in rows.itertuples():
        missed = [actual[term] - came[(term, row.days_to_census)] for term in CLOSED[:2]]
        assert row.expected_yet_to_come == pytest.approx(sum(missed) / 2)


def test_intervals_hold_the_expected_and_each_other(warehouse: Warehouse) -> None:
    for mart in MARTS[:2]:
        rows = warehouse.frame(f"select * from marts.{mart}")
        assert len(rows)
        assert (rows["low_95"] <= rows["low_80"]).all()
        assert (rows["low_80"] <= rows["expected"] + 1e-6).all()
        assert (rows["expected"] <= rows["high_80"] + 1e-6).all()
        assert (rows["high_80"] <= rows["high_95"]).all()
        assert (rows["low_95"] >= rows["already_enrolled"]).all()


def test_coverage_is_that_of_the_backtest(warehouse: Warehouse) -> None:
    rows = warehouse.frame("select * from marts.rpt_headcount_backtest")
    read = warehouse.frame(
        "select * from marts.rpt_headcount_coverage where days_to_census = 'all'"
    ).set_index("breakdown")
    grouped = rows.groupby("breakdown")
    assert read["n"].to_dict() == grouped.size().to_dict()
    assert read["coverage_80"].to_dict() == pytest.approx(
        grouped["inside_80"].apply(lambda inside: inside.astype(float).mean()).to_dict()
    )


def test_threads_change_nothing(warehouse: Warehouse, folder: Path) -> None:
    before = {name: warehouse.marts()[name] for name in MARTS}
    arguments = ["--select", "ml_headcount_days+", "--threads", "2"]
    kept = {"input_path": str(folder / "input"), "min_cell": 1}
    run_dbt(folder, "run", *arguments, **kept)
    assert {name: warehouse.marts()[name] for name in MARTS} == before
