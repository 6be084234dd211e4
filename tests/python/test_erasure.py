"""Erased people: after the next build nothing that the project wrote holds a trace of them.

All that the input says of them bears a mark that nothing else does. One build knows them; the next
one, in the same warehouse, has them on the erasure list or deleted.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from warehouse import Warehouse, build, generate

# One is in every text of the marked people, the other in every number.
MARKS = ("zq7", "777.3177317")
# Aliases of an erased person, and the person whose alias is erased, go with them.
MERGED = {"Alias1": "Listed", "Alias2": "Alias1", "ListedAlias": "Kept"}
LISTED = ["Listed", "ListedAlias", "Padded", "Ragged", "RaggedApplication", "Unknown"]
DELETED = ["Deleted", "DeletedUnnamed"]
PEOPLE = [*LISTED, *DELETED, "Alias1", "Alias2", "Kept"]
# They read the source each time and hold nothing themselves.
VIEWS_OF_THE_SOURCE = {
    "input__erasure_list",
    "input__erased_person_ids",
    "input__erased_application_ids",
}
Row = dict[str, str]


def rows_of(name: str) -> dict[str, list[Row]]:
    """Write what each table holds of a marked person, odd in ways that are listed somewhere."""
    key, text, number = f"zq7-{name}", "zq7 text", "777.3177317"
    person = {
        "person_id": f"\u00a0{key} " if name == "Padded" else key,
        "created_at": "2025-07-03 17:53:59",
        "merged_into_person_id": f"zq7-{MERGED[name]}" if name in MERGED else "",
        "is_test": text,
        "country_of_residence": text,
        "residency": text,
        "distance_km": number,
        "intended_entry_term": "2026FA",
        "intended_program_code": text,
        "x_note": 'zq7 said "yes",\non two lines',
    }
    application = {
        "application_id": f"{key}-a",
        "person_id": key,
        "entry_term": "2026FA",
        "program_code": text,
        "started_at": "2026-01-06",
        "current_stage": text,
        "source_channel": text,
        "scholarship_offer_amount": number,
        "scholarship_offered_at": text,
    }
    event = {"application_id": f"{key}-a", "occurred_at": "2026-01-06 10:00"}
    score = {"person_id": key, "test_date": "2025-09-29", "status": text, "scale_code": text}
    interaction = {
        "person_id": key,
        "occurred_at": "2026-01-07 10:00",
        "status": text,
        "value_numeric": number,
        "value_text": text,
    }
    degree = {"person_id": key, "gpa_value": number, "gpa_scale_max": "4", "country": text}
    return {
        "persons": [person, person | {"country_of_residence": "US"}],
        "applications": [application, application | {"entry_term": text}],
        "stage_events": [event | {"stage": stage} for stage in ("submitted", "admitted", text)],
        "test_scores": [
            score | {"score_id": f"{key}-s1", "test_code": text, "component": text, "value": text},
            score | {"score_id": f"{key}-s2", "test_code": "gre", "component": "quant",
                     "value": number},
        ],
        "education_records": [degree | {"education_id": f"{key}-e", "graduated_on": text}],
        "interactions": [
            interaction | {"interaction_id": f"{key}-i1", "interaction_type": text},
            interaction | {"interaction_id": f"{key}-i2", "interaction_type": "webinar"},
            # Of an application of theirs, under the id of nobody.
            interaction | {"interaction_id": f"{key}-i3", "interaction_type": "webinar",
                           "person_id": "", "application_id": f"{key}-a"},
        ],
        "protected_attributes": [{"person_id": key, "attribute": text, "value": text}],
    }  # fmt: skip


# Lines that are no record: of a person, and of an application whose events are left alone.
RAGGED = {
    "persons": ["zq7-Ragged,777.3177317", 'zq7-Listed,"zq7" said'],
    "applications": ["zq7-RaggedApplication-a,zq7-RaggedApplication,zq7"],
    "stage_events": ["zq7-Listed-a,zq7"],
    "test_scores": ["zq7-s,zq7-Alias2"],
    "interactions": ["zq7-i,zq7-Listed,777.3177317"],
}
ENCODINGS = {"stage_events": "utf-16", "interactions": "cp1252"}


def write(clean: Path, folder: Path, *, is_erased: bool) -> Path:
    """Add the marked people to a sample; `is_erased`: and that they be forgotten."""
    folder.mkdir()
    for path in clean.glob("*.csv"):
        with path.open() as file:
            rows = list(csv.DictReader(file))
        if path.stem == "persons":
            for row in rows[:50]:
                row["can_contact"] = ""
            # What others say of them goes with them.
            for row in rows[50:57]:
                row["x_referred_by"] = " zq7-Listed"
        for name in PEOPLE:
            rows += own_rows(name, path.stem, is_erased)
        text = io.StringIO()
        columns = list(dict.fromkeys(column for row in rows for column in row))
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        lines = "".join(line + "\n" for line in RAGGED.get(path.stem, []))
        content = (text.getvalue() + lines).encode(ENCODINGS.get(path.stem, "utf-8"))
        (folder / path.name).write_bytes(content)
    if is_erased:
        ids = "".join(f"  zq7-{name}\t\n" for name in [*LISTED, "Nobody", "NobodyElse"])
        (folder / "erasure_list.csv").write_text("Person_Id\n" + ids)
    return folder


def own_rows(name: str, table: str, is_erased: bool) -> list[Row]:
    rows = rows_of(name).get(table, [])
    missing = {"Unknown": ["persons"], "Ragged": ["persons"], "RaggedApplication": ["applications"]}
    if table in missing.get(name, []):
        return []
    if table == "persons" and is_erased and name in DELETED:
        gone = {"is_deleted": "yes"} | ({"person_id": ""} if name == "DeletedUnnamed" else {})
        return [row | gone for row in rows]
    # A person who is deleted without an id has nothing else.
    return [] if name == "DeletedUnnamed" and table != "persons" else rows


@dataclass
class Traces:
    """Where marks are: in relations of the warehouse, and in files beside it."""

    relations: dict[str, int]
    unreadable: set[str]
    files: list[str]


def find_traces(folder: Path) -> Traces:
    relations, unreadable = {}, set()
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        names = connection.execute(
            "select schema_name, table_name from duckdb_tables() union all"
            " select schema_name, view_name from duckdb_views() where not internal"
        ).fetchall()
        conditions = " or ".join(f"lower(row::varchar) like '%{mark}%'" for mark in MARKS)
        for schema, name in names:
            query = f'select count(*) from "{schema}"."{name}" as row where {conditions}'
            try:
                (n_rows,) = connection.execute(query).fetchone() or (0,)
            except duckdb.IOException:
                unreadable.add(name)
            else:
                relations |= {f"{schema}.{name}": n_rows} if n_rows else {}
        views = "select lower(sql) from duckdb_views()"
        assert not any(MARKS[0] in sql for (sql,) in connection.execute(views).fetchall())
    written = [path for path in (folder / "target").rglob("*") if path.is_file()]
    files = [
        path.name
        for path in written
        if any(mark.encode() in path.read_bytes().lower() for mark in MARKS)
    ]
    return Traces(relations, unreadable, files)


@dataclass
class Case:
    before: Traces
    after: Traces
    warehouse: Warehouse


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("erasure")
    clean = generate(folder / "clean", "--persons", "600")
    build(folder, write(clean, folder / "input", is_erased=False))
    before = find_traces(folder)
    (folder / "input").rename(folder / "earlier")
    warehouse = build(folder, write(clean, folder / "input", is_erased=True))
    # What can be read once the source is away is what the project holds.
    (folder / "input").rename(folder / "later")
    return Case(before, find_traces(folder), warehouse)


def test_the_marks_are_everywhere_before(case: Case) -> None:
    assert {
        "input.input__persons",
        "data_quality.dq_diverted_rows",
        "data_quality.dq_rejected_records",
        "data_quality.dq_score_issues",
        "data_quality.dq_unmapped_codes",
        "marts.fct_applicant_personas",
        "marts.fct_score_history",
    } <= case.before.relations.keys()
    assert not case.before.unreadable


def test_no_mark_is_left_in_any_table_or_file(case: Case) -> None:
    assert not case.after.relations
    assert not case.after.files
    assert case.after.unreadable <= VIEWS_OF_THE_SOURCE


def test_their_rows_are_counted_and_every_line_balances(case: Case) -> None:
    counted = "select n_rows from data_quality.dq_diverted_rows where rule = 'person_deleted'"
    planted = {
        table: sum(len(own_rows(name, table, is_erased=True)) for name in PEOPLE)
        for table in rows_of("Listed")
    }
    for table, n_planted in planted.items():
        # The sample has deleted people of its own.
        found = case.warehouse.column(
            f"{counted} and table_name = '{table}' and row_key = 'withheld'"
        )
        assert found[0] >= n_planted, table
    balanced = case.warehouse.column("select balanced from data_quality.dq_reconciliation")
    assert balanced
    assert all(balanced)


def test_entries_that_match_nobody_and_values_that_name_erased_people_are_counted(
    case: Case,
) -> None:
    unmatched = "select n_rows from data_quality.dq_diverted_rows where rule = 'matches_nobody'"
    assert case.warehouse.column(unmatched) == [2]
    naming = case.warehouse.frame(
        "select column_name, raw_value, count(*) as n from data_quality.dq_score_issues"
        " where rule = 'names_erased' group by all"
    )
    assert naming["n"].tolist() == [7]
    assert naming["column_name"].tolist() == ["x_referred_by"]
    assert naming["raw_value"].isna().all()
    kept = "select count(*) from input.input__persons where x_referred_by is not null"
    assert case.warehouse.column(kept) == [0]


def test_objectors_are_counted_and_not_profiled(case: Case) -> None:
    objectors = "(select person_id from staging.stg_persons where profiling_objection)"
    for table in ("fct_applicant_personas", "fct_enrollment_scores"):
        shown = f"select count(*) from marts.{table} where person_id in {objectors}"
        assert case.warehouse.column(shown) == [0]
    counted = f"select count(*) from staging.stg_applications where person_id in {objectors}"
    assert case.warehouse.column(counted)[0] > 0


def test_who_does_not_say_so_is_not_contacted(case: Case) -> None:
    silent = (
        "select staged.can_contact from staging.stg_persons as staged"
        " inner join input.input__persons as delivered using (person_id)"
        " where delivered.can_contact is null"
    )
    answers = case.warehouse.column(silent)
    assert answers
    assert not any(answers)
