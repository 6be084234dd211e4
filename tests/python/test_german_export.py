"""A stranger's road: a German university's export, mapped with few edits by hand, and built."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import german_export
import pandas as pd
import pytest
from warehouse import Warehouse, build, generate, manifest

from applicant_personas.command_line.cli import main

MOST_EDITS = 12
BAD_DATES = ["00.11.2025", "30.02.2024", "31.02.2023", "31.04.2025", "31.06.2025"]
# What a person writes into the files that `map` has written: what is there, and its stead.
EDITS = {
    "applications.sql": [
        ('"map me: program_code"', '"Fach-Kz"'),
        ("case 'choose: comma or point'", "case 'comma'"),
    ],
    "education_records.sql": [
        (
            "as gpa_value,",
            "as gpa_value, 1.0 as gpa_scale_max, 4.0 as gpa_scale_pass,"
            " 'low_best' as gpa_direction,",
        ),
    ],
    "xwalk_stages.csv": [("Losverfahren,,", "Losverfahren,waitlisted,")],
    "xwalk_interaction_types.csv": [("Mappenberatung,,", "Mappenberatung,chat,")],
}


@dataclass(frozen=True)
class Case:
    """The sample as it was, what `apply` said of the untouched mapping, and what was built."""

    sample: Path
    refused: list[str]
    n_edits: int
    warehouse: Warehouse

    def original(self, table: str, *columns: str) -> list[tuple[str, ...]]:
        """List rows of the sample, keys numbered as the export does."""
        frame = pd.read_csv(self.sample / f"{table}.csv", dtype=str, keep_default_na=False)
        for name in frame.columns.intersection(["person_id", "application_id"]):
            frame[name] = german_export.numbers(frame[name])
        return sorted(frame[[*columns]].itertuples(index=False, name=None))

    def built(self, table: str, *columns: str) -> list[tuple[str, ...]]:
        """List rows of the database as text, blank where null."""
        texts = ", ".join(f"coalesce(cast({column} as varchar), '')" for column in columns)
        frame = self.warehouse.frame(f"select {texts} from {table}")
        return sorted(frame.itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("german")
    sample = generate(folder / "sample", "--persons", "450", "--dirt", "0")
    german_export.write_export(sample, folder / "export", BAD_DATES)
    mapping, source = folder / "mapping", str(folder / "export")
    contract = ["--manifest", str(manifest())]
    apply = ["apply", str(mapping), source, "--output", str(folder / "input"), *contract]
    assert main(["map", source, "--output", str(mapping), *contract]) == 0
    with contextlib.redirect_stderr(io.StringIO()) as said:
        assert main(apply) == 2
    n_edits = sum(edit(mapping / name, *texts) for name, edits in EDITS.items() for texts in edits)
    assert main(apply) == 0
    marts = ["fct_applicant_personas", "fct_enrollment_scores", "dim_personas", "dq_score_issues"]
    select = [f"+{mart}" for mart in [*marts, "dq_build_summary"]]
    built = build(folder / "build", folder / "input", select=select)
    return Case(sample, said.getvalue().splitlines(), n_edits, built)


def edit(file: Path, before: str, after: str) -> int:
    """Replace a text that is in the file once, as a person would."""
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1, (file.name, before)
    file.write_text(text.replace(before, after), encoding="utf-8")
    return 1


def test_few_edits_are_needed_and_all_are_asked_for_at_once(case: Case) -> None:
    assert case.n_edits <= MOST_EDITS
    assert len(case.refused) == 3
    assert "program_code and how scholarship_offer_amount is written" in case.refused[0]
    assert "xwalk_interaction_types.csv" in case.refused[1]
    assert "xwalk_stages.csv" in case.refused[2]


def test_personas_and_likelihoods_are_in_the_marts(case: Case) -> None:
    people = {row[0] for row in case.original("persons", "person_id", "profiling_objection")}
    objectors = {row[0] for row in case.original("persons", "person_id", "profiling_objection")
                 if row[1] == "1"}  # fmt: skip
    placed = case.warehouse.frame("select person_id, persona_key from marts.fct_applicant_personas")
    assert set(placed["person_id"]) == people - objectors
    assert placed["persona_key"].nunique() == len(case.built("marts.dim_personas", "persona_key"))
    assert placed["persona_key"].nunique() > 1
    scores = case.warehouse.frame("select * from marts.fct_enrollment_scores")
    assert scores["phase"].nunique() == 3
    assert len(scores) > 200
    assert scores["probability"].between(0, 1).all()
    assert scores["probability"].nunique() > 50


def test_dates_are_those_of_the_sample(case: Case) -> None:
    columns = ("application_id", "started_at")
    day = "cast(started_at as date)"
    found = case.built("staging.stg_applications", "application_id", day)
    assert found == case.original("applications", *columns)
    events = case.built(
        "(from staging.stg_stage_events where stage <> 'started')", "application_id", "stage",
        "strftime(occurred_at, '%Y-%m-%d %H:%M')", "strftime(recorded_at, '%Y-%m-%d')",
    )  # fmt: skip
    columns = ("application_id", "stage", "occurred_at", "recorded_at")
    assert events == case.original("stage_events", *columns)
    assert case.built("staging.stg_persons", "person_id", "birth_year") == case.original(
        "persons", "person_id", "birth_year"
    )
    columns = ("entry_term", "opens_on", "census_on", "status")
    assert case.built("staging.stg_entry_terms", *columns) == [
        (german_export.semester(term), *rest)
        for term, *rest in case.original("entry_terms", *columns)
    ]


def test_grades_are_placed_as_german_ones(case: Case) -> None:
    columns = ("person_id", "gpa_value", "gpa_scale_max", "gpa_scale_pass", "gpa_direction")
    expected = sorted(
        (person, german_export.german_grade(*grade))
        for person, *grade in case.original("education_records", *columns)
    )
    frame = case.warehouse.frame(
        "select person_id, gpa_value, gpa_position, gpa_scale_key, rule"
        " from intermediate.int_education_harmonized order by person_id, gpa_value"
    )
    assert list(zip(frame["person_id"], frame["gpa_value"], strict=True)) == expected
    assert set(frame["gpa_scale_key"]) == {"5 low_best"}
    assert frame["rule"].isna().all()
    assert frame["gpa_position"].tolist() == pytest.approx([(5 - g) / 4 for _, g in expected])


def test_numbers_flags_and_codes_are_those_of_the_sample(case: Case) -> None:
    columns = ("application_id", "program_code", "current_stage")
    assert case.built("staging.stg_applications", *columns) == case.original(
        "applications", *columns
    )
    amounts = case.warehouse.column(
        "select sum(scholarship_offer_amount) from staging.stg_applications"
    )
    rows = case.original("applications", "scholarship_offer_amount")
    assert amounts == [sum(float(amount or 0) for (amount,) in rows)]
    columns = ("person_id", "country_of_residence", "country_of_citizenship", "residency")
    assert case.built("staging.stg_persons", *columns) == case.original("persons", *columns)
    flag = "cast(cast(can_contact as integer) as varchar)"
    number = "cast(cast(distance_km as integer) as varchar)"
    years = "cast(cast(years_experience as integer) as varchar)"
    assert case.built("staging.stg_persons", "person_id", flag, number, years) == case.original(
        "persons", "person_id", "can_contact", "distance_km", "years_experience"
    )
    kinds = case.built("staging.stg_interactions", "person_id", "interaction_type", "status")
    columns = ("person_id", "interaction_type", "status")
    assert kinds == case.original("interactions", *columns)
    assert case.built("data_quality.dq_unmapped_codes", "code") == []


def test_what_is_no_date_is_listed_and_loses_no_row(case: Case) -> None:
    issues = case.warehouse.frame(
        "select column_name, raw_value, rule from data_quality.dq_score_issues"
        " where table_name = 'applications'"
    )
    assert sorted(issues["raw_value"]) == BAD_DATES
    assert set(issues["column_name"]) == {"submitted_at"}
    assert set(issues["rule"]) == {"not_a_timestamp"}
    assert case.built("data_quality.dq_diverted_rows", "rule") == []
    empty = case.warehouse.column(
        "select count(*) from staging.stg_applications where submitted_at is null"
    )
    blank = sum(day == "" for (day,) in case.original("applications", "submitted_at"))
    assert empty == [blank + len(BAD_DATES)]


def test_what_was_refused_is_in_the_summary(case: Case) -> None:
    refused = case.warehouse.column(
        "select sentence from data_quality.dq_build_summary where topic = 'refused'"
    )
    assert any("5 of " in sentence and min(BAD_DATES) in sentence for sentence in refused), refused
