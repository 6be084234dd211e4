"""Random tables, corrupted in known ways: every planted fault is found, and no clean row is.

Each part of the input is a small university of its own, in a dialect of its own. Faults are rows or
lines that are added, so that what must be found is known to the row. One build reads all parts;
more of them: PERSONAS_CORRUPTED_BUILDS=20 pytest tests/python/test_corruption.py
"""

from __future__ import annotations

import gzip
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from warehouse import Warehouse, build

N_PARTS = 8
FAULTS_A_PART = 40
BUILDS = range(int(os.environ.get("PERSONAS_CORRUPTED_BUILDS", "1")))
Row = dict[str, str]
COLUMNS = {
    "persons": [
        "person_id",
        "created_at",
        "merged_into_person_id",
        "is_deleted",
        "is_test",
        "birth_year",
        "distance_km",
        "country_of_residence",
        "x_note",
    ],
    "applications": ["application_id", "person_id", "entry_term", "program_code", "started_at"],
    "stage_events": ["application_id", "stage", "occurred_at", "recorded_at"],
    "test_scores": [
        "score_id",
        "person_id",
        "test_code",
        "component",
        "value",
        "test_date",
        "received_at",
        "status",
    ],
    "education_records": [
        "education_id",
        "person_id",
        "gpa_value",
        "gpa_scale_max",
        "country",
        "received_at",
    ],
    "interactions": [
        "interaction_id",
        "person_id",
        "interaction_type",
        "occurred_at",
        "recorded_at",
        "minutes",
    ],
}


@dataclass
class Part:
    """A small university: clean rows, then faults; what has to be found is counted beside."""

    number: int
    chance: random.Random
    rows: dict[str, list[Row]] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    diverted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    judged: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    n_ids: int = 0

    def id(self, letter: str) -> str:
        self.n_ids += 1
        return f"{letter}{self.number}-{self.n_ids}"

    def moment(self) -> str:
        day, minute = self.chance.randint(1, 28), self.chance.randint(0, 59)
        return f"2024-{self.chance.randint(1, 6):02}-{day:02} {self.n_ids % 24:02}:{minute:02}:01"

    def add(self, table: str, **values: str) -> Row:
        row = dict.fromkeys(COLUMNS[table], "") | values
        self.rows.setdefault(table, []).append(row)
        return row

    def person(self, **values: str) -> Row:
        note = self.chance.choice(["", "plain", 'said "yes"', "two\nlines", "a, b; c", "naïve ß"])
        facts = {
            "created_at": self.moment(),
            "birth_year": "1998",
            "x_note": note,
            "distance_km": f"{self.chance.uniform(1, 900):.1f}",
            "country_of_residence": "US",
        }
        return self.add("persons", **{"person_id": self.id("p"), **facts, **values})

    def application(self, person: Row, **values: str) -> Row:
        facts = {
            "application_id": self.id("a"),
            "person_id": person["person_id"],
            "entry_term": "2025FA",
            "program_code": "MSC",
            "started_at": "2023-12-01",
        }
        return self.add("applications", **{**facts, **values})

    def event(self, application: Row, **values: str) -> Row:
        when = self.moment()
        facts = {
            "application_id": application["application_id"],
            "stage": "submitted",
            "occurred_at": when,
            "recorded_at": when,
        }
        return self.add("stage_events", **{**facts, **values})

    def score(self, person: Row, **values: str) -> Row:
        facts = {
            "score_id": self.id("s"),
            "person_id": person["person_id"],
            "test_code": "ielts",
            "component": "total",
            "value": self.chance.choice(["6", "6.5", "7,5", "8.0"]),
            "test_date": "2024-02-01",
            "received_at": "2024-03-01",
            "status": "verified",
        }
        return self.add("test_scores", **{**facts, **values})

    def education(self, person: Row, **values: str) -> Row:
        facts = {
            "education_id": self.id("e"),
            "person_id": person["person_id"],
            "gpa_value": f"{self.chance.uniform(2, 4):.2f}",
            "gpa_scale_max": "4",
            "country": "US",
            "received_at": "2024-03-01",
        }
        return self.add("education_records", **{**facts, **values})

    def interaction(self, person: Row, **values: str) -> Row:
        when = self.moment()
        facts = {
            "interaction_id": self.id("i"),
            "person_id": person["person_id"],
            "interaction_type": "webinar",
            "occurred_at": when,
            "recorded_at": when,
        }
        return self.add("interactions", **{**facts, **values})


# --- faults: each adds rows or a line, and says where they have to be found ----------------------

Fault = Callable[[Part, Row, Row], None]
MAKE = {"test_scores": "score", "education_records": "education", "interactions": "interaction"}
KEYS = {
    "persons": "person_id",
    "applications": "application_id",
    "test_scores": "score_id",
    "education_records": "education_id",
    "interactions": "interaction_id",
}


def diverts(table: str, rule: str, **values: str) -> Fault:
    def plant(part: Part, person: Row, application: Row) -> None:
        if table == "persons":
            row = part.person(**values)
        elif table == "applications":
            row = part.application(person, **values)
        else:
            row = getattr(part, MAKE[table])(person, **values)
        part.diverted[table, rule, row[KEYS[table]].strip() or "missing"] += 1

    return plant


def diverts_event(rule: str, **values: str) -> Fault:
    def plant(part: Part, person: Row, application: Row) -> None:
        own = part.application(person)
        row = part.event(own, **values)
        key = [row["application_id"], row["stage"], row["occurred_at"]]
        named = "missing" if not row["application_id"] else "|".join(key)
        part.diverted["stage_events", rule, named] += 1

    return plant


def repeats_event(part: Part, person: Row, application: Row) -> None:
    row = part.event(part.application(person))
    part.add("stage_events", **row)
    key = "|".join([row["application_id"], row["stage"], row["occurred_at"]])
    part.diverted["stage_events", "duplicate_event", key] += 1


def repeats(table: str) -> Fault:
    def plant(part: Part, person: Row, application: Row) -> None:
        row = part.chance.choice([r for r in part.rows[table] if r.get("is_test", "") == ""][:2])
        part.add(table, **row)
        part.diverted[table, "duplicate_key", row[KEYS[table]]] += 1

    return plant


def judges(table: str, rule: str, **values: str) -> Fault:
    def plant(part: Part, person: Row, application: Row) -> None:
        if table == "persons":
            row = part.person(**values)
        elif table == "test_scores":
            # A person of its own, so that scores do not speak for each other.
            row = part.score(part.person(), **values)
        else:
            row = getattr(part, MAKE[table])(person, **values)
        part.judged[table, rule, row[KEYS[table]]] += 1

    return plant


def merges(part: Part, person: Row, application: Row) -> None:
    middle = part.person(merged_into_person_id=person["person_id"])
    first = part.person(merged_into_person_id=middle["person_id"])
    for row in (middle, first):
        part.diverted["persons", "person_merged", row["person_id"]] += 1


def merges_in_a_circle(part: Part, person: Row, application: Row) -> None:
    one, other = part.person(), part.person()
    one["merged_into_person_id"] = other["person_id"]
    other["merged_into_person_id"] = one["person_id"]
    for row in (one, other):
        part.diverted["persons", "person_merge_cycle", row["person_id"]] += 1


def erases(part: Part, person: Row, application: Row) -> None:
    gone = part.person(is_deleted="true")
    part.score(gone)
    part.diverted["persons", "person_deleted", "withheld"] += 1
    part.diverted["test_scores", "person_deleted", "withheld"] += 1


def breaks_a_line(reason: str, line: str) -> Fault:
    def plant(part: Part, person: Row, application: Row) -> None:
        table = part.chance.choice(["persons", "test_scores", "interactions"])
        part.lines.append((table, line))
        part.rejected[table, reason] += 1

    return plant


FAULTS: list[Fault] = [
    breaks_a_line("missing columns", "lost"),
    breaks_a_line("too many columns", "{d}".join("abcdefghijklmn")),
    breaks_a_line("text after a closing quote", '"closed" and more{d}b'),
    breaks_a_line("unterminated quote", 'a{d}"never closed{d}b'),
    diverts("persons", "missing_key", person_id=""),
    diverts("persons", "person_test", is_test="yes"),
    diverts("applications", "missing_key", application_id=" "),
    diverts("applications", "orphan_person", person_id="nobody"),
    diverts("applications", "missing_entry_term", entry_term=""),
    diverts("test_scores", "missing_key", score_id=""),
    diverts("test_scores", "orphan_person", person_id="nobody"),
    diverts("education_records", "orphan_person", person_id="nobody"),
    diverts("interactions", "orphan_person", person_id="nobody"),
    diverts("interactions", "missing_key", occurred_at=""),
    diverts("interactions", "sentinel_date", occurred_at="1900-01-01 00:00:00"),
    diverts_event("missing_key", application_id=""),
    diverts_event("orphan_application", application_id="nothing"),
    diverts_event("unmapped_stage", stage="twilight"),
    diverts_event("sentinel_date", occurred_at="1900-01-01 00:00:00"),
    repeats("persons"),
    repeats("applications"),
    repeats("test_scores"),
    repeats_event,
    merges,
    merges_in_a_circle,
    erases,
    judges("persons", "not_a_whole_number", birth_year="19x8"),
    judges("persons", "not_a_number", distance_km="far"),
    judges("persons", "not_a_number", distance_km="1,500"),
    judges("persons", "not_a_timestamp", created_at="soon"),
    judges("persons", "not_a_boolean", is_test="perhaps"),
    judges("persons", "out_of_range", distance_km="-12"),
    judges("persons", "sentinel", birth_year="9999"),
    judges("persons", "not_a_whole_number", birth_year="1_990"),
    judges("persons", "not_a_timestamp", created_at="2024-01-02 10:00:00+99:00"),
    judges("persons", "out_of_range", distance_km="1e299"),
    judges("persons", "sentinel_date", created_at="1900-01-01 00:00:00"),
    judges("persons", "merge_target_missing", merged_into_person_id="nobody"),
    judges("test_scores", "not_a_number", value="seven"),
    judges("test_scores", "sentinel", value="N/A"),
    judges("test_scores", "waived", value="waived"),
    judges("test_scores", "sentinel", value="999"),
    judges("test_scores", "out_of_scale", value="31"),
    judges("test_scores", "ielts_in_toefl", test_code="toefl_ibt", value="7.5"),
    judges("test_scores", "gre_prior_scale", test_code="gre", component="verbal", value="450"),
    judges("test_scores", "on_neither_scale", test_code="gre", component="quant", value="185"),
    judges("test_scores", "status_cancelled", status="cancelled"),
    judges("test_scores", "unknown_component", component="juggling"),
    judges("education_records", "scale_zero", gpa_scale_max="0"),
    judges("education_records", "exceeds_scale", gpa_value="4.8"),
    judges("education_records", "scale_missing", gpa_scale_max="", country="IN"),
    judges("education_records", "zero", gpa_value="0"),
    judges("education_records", "scale_missing", gpa_scale_max="four", country="IN"),
    judges("education_records", "scale_inferred", gpa_scale_max="1e299"),
    judges("interactions", "out_of_range", minutes="-3"),
]


# --- parts and their files ----------------------------------------------------------------------


def make_part(number: int, seed: int) -> Part:
    part = Part(number, random.Random(f"{seed}-{number}"))
    for _ in range(3):
        person = part.person()
        application = part.application(person)
        part.event(application)
        part.score(person)
        part.education(person)
        part.interaction(person)
    # Every fault comes up in every build, and each part mixes some of them.
    start = number * FAULTS_A_PART
    for place in range(start, start + FAULTS_A_PART):
        FAULTS[place % len(FAULTS)](part, person, application)
    return part


def write_part(part: Part, folder: Path) -> Counter[str]:
    """Write the tables, each in a dialect of its own; return the records in each."""
    counts: Counter[str] = Counter()
    for table, rows in part.rows.items():
        chance = part.chance
        delimiter, line_end = chance.choice(",;\t|"), chance.choice(["\n", "\r\n", "\r"])
        columns = chance.sample(COLUMNS[table], len(COLUMNS[table]))
        is_quoted = chance.random() < 0.5
        records = [
            delimiter.join(quoted(row[name], delimiter, is_quoted) for name in columns)
            for row in chance.sample(rows, len(rows))
        ]
        own = [line.replace("{d}", delimiter) for name, line in part.lines if name == table]
        for line in own:
            records.insert(chance.randint(0, len(records)), line)
        counts[table] = len(records)
        if chance.random() < 0.3:
            records.insert(chance.randint(0, len(records)), "")
        header = delimiter.join(
            chance.choice([name, name.upper(), f" {name} "]) for name in columns
        )
        content = line_end.join([header, *records, ""])
        encoding = chance.choice(["utf-8", "utf-8-sig", "cp1252", "utf-16"])
        path = folder / table / f"part_{part.number}.csv"
        path.parent.mkdir(exist_ok=True)
        data = content.encode(encoding)
        if chance.random() < 0.3:
            path, data = path.with_suffix(".csv.gz"), gzip.compress(data)
        path.write_bytes(data)
    return counts


def quoted(value: str, delimiter: str, is_quoted: bool) -> str:
    if is_quoted or any(character in value for character in ['"', "\n", "\r", delimiter]):
        return '"' + value.replace('"', '""') + '"'
    return value


@dataclass
class Case:
    """What was planted in all parts together, and what a build made of it."""

    parts: list[Part]
    counts: Counter[str]
    warehouse: Warehouse

    def planted(self, name: str) -> Counter[tuple[str, ...]]:
        return sum((getattr(part, name) for part in self.parts), Counter())

    def found(self, query: str) -> Counter[tuple[str, ...]]:
        rows = self.warehouse.frame(query).itertuples(index=False)
        return Counter({tuple(row[:-1]): int(row[-1]) for row in rows})


@pytest.fixture(scope="module", params=BUILDS, ids="seed {}".format)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("corrupted")
    (folder / "input").mkdir()
    parts = [make_part(number, request.param) for number in range(N_PARTS)]
    counts = sum((write_part(part, folder / "input") for part in parts), Counter[str]())
    marts = ["dq_rejected_records", "dq_diverted_rows", "dq_score_issues", "dq_timeliness"]
    warehouse = build(folder, folder / "input", select=[f"+{mart}" for mart in marts])
    return Case(parts, counts, warehouse)


def test_every_line_that_is_no_record_is_rejected_and_no_other(case: Case) -> None:
    found = case.found(
        "select source_table, split_part(reason, ':', 1), count(*)"
        " from data_quality.dq_rejected_records group by all"
    )
    assert found == case.planted("rejected")


def test_every_planted_row_is_diverted_and_no_other(case: Case) -> None:
    found = case.found(
        "select table_name, rule, row_key, sum(n_rows)"
        " from data_quality.dq_diverted_rows group by all"
    )
    assert found == case.planted("diverted")


def test_every_planted_value_is_judged_and_no_other(case: Case) -> None:
    # So many grades are off their scales that the field is said to be, once.
    found = case.found(
        "select table_name, rule, row_key, count(*) from data_quality.dq_score_issues"
        " where rule <> 'field_off_scale' group by all"
    )
    assert found == case.planted("judged")


def test_rows_in_are_rows_out_and_rows_diverted(case: Case) -> None:
    rejected, diverted = case.planted("rejected"), case.planted("diverted")
    for table in COLUMNS:
        kept = "event_source = 'stage_events'" if table == "stage_events" else "true"
        n_out = case.warehouse.column(f"select count(*) from staging.stg_{table} where {kept}")[0]
        n_rejected = sum(n for (name, *_), n in rejected.items() if name == table)
        n_diverted = sum(n for (name, *_), n in diverted.items() if name == table)
        assert case.counts[table] == n_out + n_rejected + n_diverted, table
