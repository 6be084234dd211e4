"""Mapping help: what is proposed for foreign sources, and that no name breaks out of the files."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest
import warehouse
from warehouse import ROOT, run_dbt

from applicant_personas.cli import main
from applicant_personas.mapping import propose, read_contract
from applicant_personas.mapping.contract import CODED, Contract, code_key
from applicant_personas.mapping.names import is_personal, similarity, words
from applicant_personas.mapping.propose import TableProposal, unknown_codes
from applicant_personas.mapping.text import markdown, one_line, spreadsheet_cell, spreadsheet_text
from applicant_personas.profiling import count_distinct, open_source, read_profiles

EDULIX = ROOT.parent / "shared/data/edulix/edulix_applications.csv.gz"
SAMPLE = ROOT / "seeds/sample"
EXAMPLES = {"slate": "export", "salesforce_eda": "export", "flat_csv": "applications.csv"}

# The ten that matter most of the file, as examples/edulix/map.sql maps them.
EDULIX_COLUMNS = {
    "applications.person_id": "applicant_id",
    "applications.program_code": "univName",
    "applications.entry_term": "termAndYear",
    "applications.current_stage": "admit",
    "gre verbal": "greV",
    "gre quant": "greQ",
    "gre analytical": "greA",
    "toefl total": "toeflScore",
    "education_records.gpa_value": "cgpa",
    "education_records.gpa_scale_max": "cgpaScale",
}
# The sample's columns as other systems call them: tables, then columns.
SLATE = {
    "persons": {
        "": "People Export",
        "person_id": "Person Reference",
        "created_at": "Person Created Date",
        "merged_into_person_id": "Merged Into",
        "country_of_residence": "Active Country",
        "country_of_citizenship": "Citizenship 1",
        "distance_km": "Distance from Campus",
        "years_experience": "Years of Work Experience",
        "can_contact": "Opt In",
        "is_test": "Test Record",
    },
    "applications": {
        "": "Application Export",
        "application_id": "Application Reference",
        "person_id": "Person Reference",
        "entry_term": "Round Term",
        "program_code": "Program",
        "started_at": "Application Created Date",
        "submitted_at": "Application Submitted Date",
        "current_stage": "Bin",
        "source_channel": "Source",
        "scholarship_offer_amount": "Scholarship Amount",
    },
    "test_scores": {
        "": "Test Score Export",
        "score_id": "Score GUID",
        "person_id": "Person Reference",
        "test_code": "Test Type",
        "component": "Subtest",
        "value": "Score",
        "test_date": "Test Date",
        "status": "Verified",
    },
}
SALESFORCE = {
    "persons": {
        "": "Contact",
        "person_id": "Id",
        "created_at": "CreatedDate",
        "is_deleted": "IsDeleted",
        "country_of_residence": "MailingCountry",
        "country_of_citizenship": "hed__Citizenship__c",
        "merged_into_person_id": "MasterRecordId",
    },
    "applications": {
        "": "hed__Application__c",
        "application_id": "Id",
        "person_id": "hed__Applicant__c",
        "entry_term": "hed__Term__c",
        "program_code": "hed__Applying_To__c",
        "submitted_at": "hed__Application_Date__c",
        "started_at": "CreatedDate",
        "current_stage": "hed__Application_Status__c",
    },
    "education_records": {
        "": "hed__Education_History__c",
        "education_id": "Id",
        "person_id": "hed__Contact__c",
        "gpa_value": "hed__GPA__c",
        "gpa_scale_max": "hed__GPA_Scale_Reporting__c",
        "graduated_on": "hed__Graduation_Date__c",
    },
}
HOSTILE = (
    'quo"te', "semi; drop table x; --", "{{ env_var('HOME') }}", "{% raw %}", "select", "../../x",
    "a | b `c`", "line\nbreak", "x/*", "*/y", "naïve ‮ 列", "=1+2", "w" * 5_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def manifest() -> Path:
    """Return dbt's manifest of the project."""
    return warehouse.manifest()


@pytest.fixture(scope="module")
def contract(manifest: Path) -> Contract:
    return read_contract(manifest)


def proposals(contract: Contract, source: Path, schema: str | None = None) -> list[TableProposal]:
    with open_source(source, schema) as connection:
        profiles = read_profiles(connection)
        return propose(contract, profiles, lambda t, names: count_distinct(connection, t, names))


def chosen(found: list[TableProposal]) -> dict[str, str]:
    """List the proposed source by contract column, and by test and component."""
    columns = {
        f"{proposal.table.name}.{match.column.name}": match.source.name
        for proposal in found
        for match in proposal.matches
        if match.source
    }
    return columns | {
        f"{wide.test} {wide.component}": wide.source.name
        for proposal in found
        for wide in proposal.wide_scores
    }


def hits(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    return [name for name, source in expected.items() if found.get(name) == source]


# --- what is proposed ---------------------------------------------------------------------------


@pytest.mark.skipif(not EDULIX.exists(), reason="the edulix data is not at ../shared/data/edulix")
def test_the_flat_file_of_real_applications_is_recognized(contract: Contract) -> None:
    found = proposals(contract, EDULIX)
    right = hits(EDULIX_COLUMNS, chosen(found))
    assert len(right) >= 8, sorted(set(EDULIX_COLUMNS) - set(right))
    applications = next(p for p in found if p.table.name == "applications")
    assert applications.n_row_keys == applications.source.n_rows == 53_527


def renamed(folder: Path, names: Mapping[str, Mapping[str, str]]) -> Path:
    """Write the sample with other names, columns from the last to the first."""
    folder.mkdir()
    for table, columns in names.items():
        with (SAMPLE / f"{table}.csv").open() as file:
            rows = list(csv.DictReader(file))[:400]
        with (folder / f"{columns['']}.csv").open("w") as file:
            writer = csv.writer(file)
            kept = [name for name in reversed(columns) if name]
            writer.writerow(columns[name] for name in kept)
            writer.writerows([row[name] for name in kept] for row in rows)
    return folder


@pytest.mark.parametrize("names", [SLATE, SALESFORCE], ids=["slate", "salesforce"])
def test_the_names_of_other_systems_are_recognized(
    contract: Contract, tmp_path: Path, names: Mapping[str, Mapping[str, str]]
) -> None:
    found = chosen(proposals(contract, renamed(tmp_path / "export", names)))
    expected = {
        f"{table}.{column}": name
        for table, columns in names.items()
        for column, name in columns.items()
        if column
    }
    wrong = {name: found.get(name) for name in set(expected) - set(hits(expected, found))}
    assert len(wrong) <= 0.1 * len(expected), wrong


def test_known_codes_name_a_column_that_has_no_name(contract: Contract, tmp_path: Path) -> None:
    stages = ("Admit", "Deny", "Submitted", "Waitlist")
    rows = [f"a{n},p{n % 40},Fall 2025,MBA,{stages[n % 4]}" for n in range(80)]
    text = "\n".join(["Application Id,Person Id,Term,Program,F12", *rows])
    (tmp_path / "applications.csv").write_text(text)
    assert chosen(proposals(contract, tmp_path))["applications.current_stage"] == "F12"


def test_two_degrees_are_not_two_countries(contract: Contract, tmp_path: Path) -> None:
    rows = [f"p{n},{('MS', 'MA')[n % 2]}" for n in range(60)]
    (tmp_path / "persons.csv").write_text("\n".join(["Person Id,Kind", *rows]))
    assert "persons.country_of_residence" not in chosen(proposals(contract, tmp_path))


def test_a_schema_of_a_database_is_read(contract: Contract, tmp_path: Path) -> None:
    database = tmp_path / "export.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema crm")
        connection.execute(
            "create table crm.contact as select 'p' || i as id, 'US' as country from range(9) t(i)"
        )
    assert chosen(proposals(contract, database, "crm"))["persons.person_id"] == "id"
    with pytest.raises(ValueError, match="has no schema sales; it has crm, main"):
        open_source(database, "sales")


def test_bad_lines_and_encodings_are_read_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;x\n1;a\n2;b;c\n3;d\n")
    (tmp_path / "b.csv").write_bytes("id\tland\n1\tTürkei\n".encode("latin-1"))
    (tmp_path / "c.csv").write_bytes("id,land\n1,Türkei\n".encode("utf-16"))
    (tmp_path / "d.csv").write_text("\ufeffid,id\n1,2\n")
    (tmp_path / "e.csv").write_text("")
    with open_source(tmp_path) as connection:
        tables = {table.name: table for table in read_profiles(connection)}
        land = connection.execute("select land from source.b union select land from source.c")
        assert land.fetchall() == [("Türkei",)]
    assert (tables["a"].n_rows, tables["a"].n_unread) == (2, 1)
    assert [column.name for column in tables["d"].columns] == ["id", "id (2)"]
    assert "e" not in tables


@pytest.mark.parametrize(
    ("example", "tables"),
    [
        ("slate", {"stage_events": "decisions", "interactions": "interactions"}),
        ("salesforce_eda", {"entry_terms": "hed__Term__c", "programs": "Account"}),
    ],
)
def test_tables_are_found_by_what_they_hold(
    contract: Contract, example: str, tables: dict[str, str]
) -> None:
    found = proposals(contract, ROOT / "examples" / example / "export")
    sources = {proposal.table.name: proposal.source.name for proposal in found}
    assert tables.items() <= sources.items()
    people = {"slate": "people", "salesforce_eda": "Contact"}
    assert sources["persons"] == people[example]


# --- what is written ----------------------------------------------------------------------------


def test_a_proposal_is_filled_and_run(manifest: Path, tmp_path: Path) -> None:
    source, output, tables = tmp_path / "source.csv", tmp_path / "mapping", tmp_path / "input"
    source.write_text(
        "Person Id,Term,Program,Decision,GRE Verbal,Email\n"
        + "".join(
            f"p{n},Fall 2025,MBA,{('Admit', '=cmd', '-1')[n % 3]},15{n % 10},p{n}@x.org\n"
            for n in range(30)
        )
    )
    arguments = ["map", str(source), "--output", str(output), "--manifest", str(manifest)]
    assert main(arguments) == 0
    assert main(arguments) == 2  # what a user has filled is not overwritten
    written = {path.name: path.read_text() for path in output.iterdir()}
    assert not any("@x.org" in text for text in written.values())
    assert written["xwalk_stages.csv"].splitlines() == ["code,stage,x_rows", "-1,,10", "'=cmd,,10"]

    apply = ["apply", str(output), str(source), "--output", str(tables)]
    assert main(apply) == 2  # codes are not filled yet
    crosswalk = written["xwalk_stages.csv"].replace(",,", ",denied,")
    (output / "xwalk_stages.csv").write_text(crosswalk)
    assert main(apply) == 0
    assert (tables / "xwalk_stages.csv").read_text().splitlines()[2] == "=cmd,denied,10"
    scores = duckdb.sql(
        f"select distinct test_code, component from '{tables / 'test_scores.parquet'}'"
    )
    assert scores.fetchall() == [("gre", "verbal")]


def test_a_required_column_without_a_source_fails_by_name(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "persons.csv"
    source.write_text("Person Id,Color\np1,red\np2,red\n")
    output = tmp_path / "mapping"
    main(["map", str(source), "--output", str(output), "--manifest", str(manifest)])
    assert main(["apply", str(output), str(source), "--output", str(tmp_path / "input")]) == 2
    message = capsys.readouterr().err
    assert "applications.sql can't be run" in message
    assert "map me: entry_term" in message or "map me: program_code" in message
    assert not (tmp_path / "input").exists()


def test_hostile_names_break_out_of_nothing(manifest: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a ' b; {{ x }}"
    folder.mkdir()
    with (folder / 'appli"ca|tions; --.csv').open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["Applicant; Id", 'Term "x"', "Program\nCode", "Application Id", *HOSTILE])
        for n in range(20):
            writer.writerow([f"p{n}", "Fall 2025", "MBA", f"a{n}", *HOSTILE])
    output = tmp_path / "mapping"
    main(["map", str(folder), "--output", str(output), "--manifest", str(manifest)])
    assert {path.name for path in output.iterdir()} <= {
        "report.md", "persons.sql", "applications.sql", "xwalk_stages.csv",
    }  # fmt: skip
    for path in output.glob("*.sql"):
        assert "{{" not in path.read_text()
        assert "{%" not in path.read_text()
    report = (output / "report.md").read_text()
    for line in report.splitlines():
        if line.startswith("|") and "confidence" not in line:
            cells = line.replace("\\|", "").count("|") - 1
            assert cells in (3, 5, 6), line
    assert "`c`" not in report.replace("\\`", "")
    tables = tmp_path / "input"
    (output / "xwalk_stages.csv").unlink(missing_ok=True)
    assert main(["apply", str(output), str(folder), "--output", str(tables)]) == 0
    found = duckdb.sql(f"select count(*) from '{tables / 'applications.parquet'}'").fetchall()
    assert found == [(20,)]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["map", "nowhere"], "There is nothing at nowhere"),
        (["map", ".ci"], "There is no .csv, .csv.gz or .parquet file"),
        (["map", "nowhere", "--schema", "crm"], "There is no database at nowhere"),
        (["map", "README.md", "--schema", "crm"], "README.md can't be opened"),
        (["map", "x", "--manifest", "nowhere.json"], "run `dbt parse` first"),
        (["apply", ".ci", "seeds/sample", "--output", "nowhere"], "There is no .sql file in .ci"),
    ],
)
def test_what_cannot_be_mapped_gets_a_sentence(
    manifest: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(ROOT)
    if command[0] == "map" and "--manifest" not in command:
        command = [*command, "--manifest", str(manifest)]
    assert main(command) == 2
    assert sentence in capsys.readouterr().err


# --- the parts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hed__Application_Status__c", ("application", "status")),
        ("greV", ("gre", "v")),
        ("TERM_CD", ("term", "code")),
        ("cgpaScale", ("gpa", "scale")),
        ("列", ("列",)),
    ],
)
def test_names_become_words(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


def test_common_words_make_no_likeness() -> None:
    assert similarity("univId", "id") < 0.4
    assert similarity("Applicant ID", "application id") < 0.4
    assert similarity("Application Reference", "application id") == 1


@pytest.mark.parametrize("name", ["First Name", "EMAIL", "HomePhone", "birth_year", "Name", "SSN"])
def test_what_names_a_person_is_personal(name: str) -> None:
    assert is_personal(name)


def test_what_names_a_thing_is_not_personal() -> None:
    assert not any(map(is_personal, ["univName", "Program Name", "GRE Verbal", "Status"]))


@pytest.mark.parametrize("text", ["=1+2", "+cmd", "-- select --", "@x", "\tx", "'=1", "''+x"])
def test_formulas_are_neutralized_and_come_back(text: str) -> None:
    assert spreadsheet_cell(text) == "'" + text
    assert spreadsheet_text(spreadsheet_cell(text)) == text


@pytest.mark.parametrize("text", ["-1", "+5.0", "'til", "Admit", ""])
def test_what_calculates_nothing_stays(text: str) -> None:
    assert spreadsheet_cell(text) == text
    assert spreadsheet_text(text) == text


def test_texts_stay_on_their_line() -> None:
    assert one_line("a\n\u2028b\u202ec") == "a b c"
    assert len(one_line("w" * 5_000)) == 80
    assert markdown("a|b`c`<i>") == "a\\|b\\`c\\`\\<i\\>"


def test_coded_columns_are_those_of_the_project(manifest: Path) -> None:
    macros = json.loads(manifest.read_text())["macros"]
    text = macros["macro.applicant_personas.coded_columns"]["macro_sql"]
    for (table, column), (crosswalk, code_set) in CODED.items():
        name = code_set or re.escape(crosswalk.removeprefix("xwalk_").rstrip("s"))
        pattern = rf"\['{name}\w*', '{table}', '{column}'\]"
        named = re.search(pattern.replace("countrie", "countr"), text)
        assert named, (table, column)


def test_codes_without_a_crosswalk_row_are_listed(contract: Contract) -> None:
    for proposal in proposals(contract, SAMPLE):
        for column, codes in unknown_codes(contract, proposal).items():
            known = contract.codes_of(proposal.table.name, column)
            assert known
            assert not any(code_key(code) in known for code in codes)


# --- the worked examples ------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_worked_example_builds(tmp_path: Path, name: str) -> None:
    example = ROOT / "examples" / name
    shutil.copytree(example / "mapping", tmp_path / "mapping")
    tables = tmp_path / "input"
    source = example / EXAMPLES[name]
    apply = ["apply", str(tmp_path / "mapping"), str(source), "--output", str(tables)]
    assert main(apply) == 0
    select = ["+dq_diverted_rows", "+dq_unmapped_codes", "+dq_score_issues"]
    run_dbt(
        tmp_path, "build", "-s", *select, "--indirect-selection", "cautious",
        "--exclude-resource-type", "unit_test", input_path=str(tables),
    )  # fmt: skip
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        for table in ("persons", "applications", "test_scores", "education_records"):
            refused = connection.execute(
                f"select count(*) from input.input__{table} where _refused is not null"
            ).fetchone()
            kept = connection.execute(f"select count(*) from staging.stg_{table}").fetchone()
            assert refused == (0,), table
            assert kept != (0,), table
        unmapped = connection.execute("select code_set, code from marts.dq_unmapped_codes")
        assert unmapped.fetchall() == []
