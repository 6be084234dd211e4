"""Time at its edges: several intakes, cycles that settle, a calendar that contradicts itself."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from warehouse import ROOT, Warehouse, build, generate

AS_OF = "2026-05-15"
# The spring intake is the fall's, so many days later.
DAYS_TO_SPRING = 144
KEYS = {"application_id", "person_id", "score_id", "education_id", "interaction_id"}


def sample(folder: Path) -> Path:
    return Path(shutil.copytree(ROOT / "seeds/sample", folder))


# --- the census decides -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contradicted(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Build the sample with the last closed cycle said to be open, and the open one closed."""
    folder = tmp_path_factory.mktemp("contradicted")
    path = sample(folder / "input") / "entry_terms.csv"
    terms = pd.read_csv(path, dtype=str).set_index("entry_term")
    terms.loc["2025FA", "status"] = "open"
    terms.loc["2026FA", "status"] = "closed"
    terms.reset_index().to_csv(path, index=False)
    select = ["+dim_entry_terms", "+int_outcomes_labeled", "+dq_score_issues"]
    return build(folder, folder / "input", select=select)


def test_the_relative_day_follows_the_census_not_the_status(contradicted: Warehouse) -> None:
    status = contradicted.frame("select entry_term, status from marts.dim_entry_terms")
    assert dict(status.itertuples(index=False)) == {
        "2023FA": "closed",
        "2024FA": "closed",
        "2025FA": "closed",
        "2026FA": "open",
    }
    labeled = contradicted.frame(
        "select entry_term, days_to_census, count(*) as n, count(outcome) as n_known"
        " from intermediate.int_outcomes_labeled where is_enrollment_day group by all"
    ).set_index("entry_term")
    assert set(labeled.index) == set(status["entry_term"])
    assert set(labeled["days_to_census"]) == {118}
    assert (labeled["n"] > 100).all()
    assert (labeled["n_known"] > 0).to_dict() == {
        term: term != "2026FA" for term in status["entry_term"]
    }


def test_a_status_that_contradicts_the_census_is_reported(contradicted: Warehouse) -> None:
    issues = contradicted.frame(
        "select row_key, column_name, raw_value, value_used, decision, reason"
        " from data_quality.dq_score_issues where rule = 'contradicts_census' order by row_key"
    )
    told = issues[["row_key", "column_name", "raw_value", "value_used", "decision"]]
    assert list(told.itertuples(index=False, name=None)) == [
        ("2025FA", "status", "open", "closed", "repaired"),
        ("2026FA", "status", "closed", "open", "repaired"),
    ]
    assert issues["reason"].str.contains("census").all()


# --- cycles that settle -------------------------------------------------------------------------


@pytest.mark.parametrize(("settling_days", "status"), [(60, "settling"), (21, "closed")])
def test_nothing_is_learned_from_a_cycle_before_its_outcomes_are_written_down(
    tmp_path: Path, settling_days: int, status: str
) -> None:
    warehouse = build(
        tmp_path,
        sample(tmp_path / "input"),
        select=["+dim_entry_terms", "+int_outcomes_labeled", "+ftr_applicants"],
        as_of="2025-10-01",
        settling_days=settling_days,
    )
    terms = warehouse.frame("select entry_term, status, is_open from marts.dim_entry_terms")
    assert terms.set_index("entry_term").loc["2025FA"].to_list() == [status, False]
    trained = set(
        warehouse.column("select entry_term from features.ftr_applicants where is_persona_training")
    )
    assert trained == {"2023FA", "2024FA"} | ({"2025FA"} if status == "closed" else set())
    is_closed = warehouse.column(
        "select distinct is_closed from intermediate.int_snapshots_planned"
        " where entry_term = '2025FA'"
    )
    assert is_closed == [status == "closed"]
    labeled = warehouse.column(
        "select count(outcome) > 0 from intermediate.int_outcomes_labeled"
        " where entry_term = '2025FA'"
    )
    assert labeled == [status == "closed"]


# --- two intakes a year -------------------------------------------------------------------------


def spring(tables: Path) -> dict[str, pd.DataFrame]:
    """Make another intake of a generated one: other people, all days later, spring terms."""
    moved = {}
    for path in sorted(tables.glob("*.csv")):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        for name in frame.columns:
            if name in KEYS or name == "merged_into_person_id":
                frame[name] = frame[name].where(frame[name] == "", "s-" + frame[name])
            if name.endswith(("_at", "_on", "_date")):
                days = pd.to_datetime(frame[name], errors="coerce", format="mixed", utc=True)
                later = (days + pd.Timedelta(days=DAYS_TO_SPRING)).dt.strftime("%Y-%m-%d")
                frame[name] = later.fillna("")
            if name in ("entry_term", "intended_entry_term"):
                year = pd.to_numeric(frame[name].str[:4]) + 1
                frame[name] = year.map(lambda year: f"{year:.0f}SP").where(frame[name] != "", "")
        moved[path.stem] = frame.drop(columns="term_order", errors="ignore")
    return moved


@pytest.fixture(scope="module")
def two_intakes(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("intakes")
    options = ["--persons", "500", "--dirt", "0"]
    fall = generate(folder / "fall", *options, "--seed", "3")
    tables = spring(generate(folder / "spring", *options, "--seed", "4"))
    (folder / "input").mkdir()
    for name, frame in tables.items():
        own = pd.read_csv(fall / f"{name}.csv", dtype=str, keep_default_na=False)
        both = pd.concat([own.drop(columns="term_order", errors="ignore"), frame])
        both = both.drop_duplicates("program_code") if name == "programs" else both
        both.to_csv(folder / "input" / f"{name}.csv", index=False)
    select = ["+rpt_funnel_by_cycle_day", "+int_outcomes_labeled", "+dim_entry_terms"]
    return build(folder, folder / "input", select=select, as_of=AS_OF)


def test_the_cycle_before_is_that_of_the_same_intake(two_intakes: Warehouse) -> None:
    query = "select entry_term, previous_entry_term, is_open from marts.dim_entry_terms"
    terms = two_intakes.frame(query).set_index("entry_term")
    before = terms["previous_entry_term"].dropna().to_dict()
    assert before == {
        f"{year}{season}": f"{year - 1}{season}"
        for season, years in {"FA": (2024, 2025, 2026), "SP": (2025, 2026, 2027)}.items()
        for year in years
    }
    assert set(terms.index[terms["is_open"]]) == {"2026FA", "2027SP"}


def test_each_cycle_speaks_on_the_day_of_its_intake(two_intakes: Warehouse) -> None:
    days = two_intakes.frame(
        "select entry_term, days_to_census, is_training_day, is_enrollment_day, is_open, known_on"
        " from intermediate.int_snapshot_days where is_training_day"
    )
    to_fall, to_spring = 118, 118 + DAYS_TO_SPRING
    closed = days[~days["is_open"]].groupby("entry_term")["days_to_census"].agg(set)
    assert len(closed) == 6
    assert all(found == {to_fall, to_spring} for found in closed)
    own = days[days["is_enrollment_day"]].set_index("entry_term")["days_to_census"]
    assert own.to_dict() == {
        term: to_fall if term.endswith("FA") else to_spring for term in [*closed.index, *own.index]
    }
    assert set(days.loc[days["is_open"], "known_on"].astype(str)) == {AS_OF}
    at_risk = two_intakes.frame(
        "select entry_term, days_to_census, count(*) as n from intermediate.int_outcomes_labeled"
        " where is_enrollment_day group by all"
    )
    assert {"2025FA", "2026FA"} <= set(at_risk["entry_term"])
    assert (at_risk["days_to_census"] == at_risk["entry_term"].map(own)).all()


def test_the_same_day_of_the_cycle_before_stands_beside_in_each_intake(
    two_intakes: Warehouse,
) -> None:
    funnel = two_intakes.frame(
        "select entry_term, previous_entry_term, days_to_census, stage, n_reached_previous_cycle"
        " from marts.rpt_funnel_by_cycle_day where is_own_day"
        " and persona_key = 'all' and program_code = 'all'"
        " and n_reached_previous_cycle is not null"
    )
    compared = set(zip(funnel["entry_term"], funnel["previous_entry_term"], strict=True))
    assert {("2026FA", "2025FA"), ("2027SP", "2026SP"), ("2026SP", "2025SP")} <= compared
    for row in funnel.itertuples():
        counted = two_intakes.column(
            "select count(*) from intermediate.int_funnel_steps"
            " join intermediate.int_entry_terms_ordered using (entry_term)"
            f" where entry_term = '{row.previous_entry_term}' and stage = '{row.stage}'"
            f" and known_on <= census_on - {row.days_to_census}"
        )
        assert counted == [row.n_reached_previous_cycle]


# --- a day far past the data --------------------------------------------------------------------


def test_a_day_far_past_the_data_stops_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as stopped:
        build(tmp_path, select=["+int_as_of"], as_of="2027-05-17")
    said = str(stopped.value)
    assert (
        "the var as_of is 2027-05-17, more than a year after 2026-05-15, the last day that the"
        " input knows anything of; give a day until 2027-05-16, null for the last day itself, or a"
        " newer export."
    ) in said
    assert "Traceback" not in said
    # All before it is built.
    warehouse = build(tmp_path, select=["int_as_of"], as_of="2027-05-16")
    found = warehouse.frame("select as_of, latest_known_on from intermediate.int_as_of")
    assert [day.date() for day in found.loc[0]] == [date(2027, 5, 16), date(2026, 5, 15)]
