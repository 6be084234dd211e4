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

from applicant_personas.command_line.cli import main
from applicant_personas.command_line.profiling import count_distinct, open_source, read_profiles
from applicant_personas.mapping import coverage, propose, read_contract
from applicant_personas.mapping.contract import CODED, Contract, code_key
from applicant_personas.mapping.names import is_personal, shipped_rows, similarity, words
from applicant_personas.mapping.open import without_open
from applicant_personas.mapping.propose import TableProposal, unknown_codes
from applicant_personas.mapping.starters import starter_sql
from applicant_personas.mapping.text import markdown, one_line, spreadsheet_cell, spreadsheet_text

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


def apply_arguments(mapping: Path, source: Path, output: Path, manifest: Path) -> list[str]:
    places = ["--output", str(output), "--manifest", str(manifest)]
    return ["apply", str(mapping), str(source), *places]


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

    apply = apply_arguments(output, source, tables, manifest)
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
    assert '"map me: entry_term"' in (output / "applications.sql").read_text()
    assert main(apply_arguments(output, source, tmp_path / "input", manifest)) == 2
    assert capsys.readouterr().err == (
        "applicant-personas apply: applications.sql still needs a source for entry_term and "
        "program_code: write it in the file.\n"
    )
    assert not (tmp_path / "input").exists()


def test_all_that_is_missing_is_said_at_once_in_a_sentence_a_table(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping, source = tmp_path / "mapping", tmp_path / "source.csv"
    mapping.mkdir()
    source.write_text("id,day\n1,01/02/2023\n")
    read = "try_strptime(day, 'choose: %d/%m/%Y or %m/%d/%Y')"
    (mapping / "applications.sql").write_text(
        "-- 'choose: this or that' as id and \"map me: nothing\" are comments\n"
        'select id as application_id, "map me: entry_term" as entry_term,\n'
        f"    coalesce(cast({read} as varchar), day) as submitted_at, -- asked\n"
        "    'it''s -- no comment' as program_code\nfrom source.source"
    )
    (mapping / "interactions.sql").write_text("select id as interaction_id from source.source")
    (mapping / "programs.sql").write_text("select code from source.source")
    assert main(apply_arguments(mapping, source, tmp_path / "input", manifest)) == 2
    said = capsys.readouterr().err.removeprefix("applicant-personas apply: ").splitlines()
    assert said[:3] == [
        "There is no persons.sql, which the contract requires.",
        "applications.sql still needs a source for entry_term and person_id and how submitted_at "
        "is written (%d/%m/%Y or %m/%d/%Y): write it in the file.",
        "interactions.sql still needs a source for person_id, interaction_type and occurred_at: "
        "write it in the file, or delete the file.",
    ]
    assert said[3].startswith("programs.sql can't be run: ")
    assert len(said) == 4
    assert not (tmp_path / "input").exists()


# --- keys ---------------------------------------------------------------------------------------


def starter(manifest: Path, folder: Path, table: str, text: str) -> tuple[str, str]:
    """Map a file of one table; give what is proposed for the table, and for persons."""
    (folder / f"{table}.csv").write_text(text)
    arguments = ["--output", str(folder / "mapping"), "--manifest", str(manifest)]
    assert main(["map", str(folder / f"{table}.csv"), *arguments]) == 0
    name = f"{table}.sql"
    return (folder / "mapping" / name).read_text(), (folder / "mapping/persons.sql").read_text()


@pytest.mark.parametrize(
    ("ids", "nearest"),
    [
        ([*range(1, 20), 19], "19 values in 20 rows"),
        ([*range(1, 20), ""], "19 values in 20 rows"),
    ],
    ids=["repeated", "blank"],
)
def test_what_repeats_or_is_blank_is_no_key_and_is_asked_for(
    manifest: Path, tmp_path: Path, ids: list[object], nearest: str
) -> None:
    rows = "".join(f"{key},p{n % 18},Fall 2025,MBA\n" for n, key in enumerate(ids))
    text = f"Application Id,Person Id,Term,Program\n{rows}"
    applications, _ = starter(manifest, tmp_path, "applications", text)
    assert '"map me: application_id" as application_id' in applications
    question = (
        "-- No column has a value of its own in every row (Application Id has "
        f"{nearest}): write here which one is the application_id, or which make it together."
    )
    assert question in applications.splitlines()


def test_a_row_that_nothing_tells_apart_is_asked_about(manifest: Path, tmp_path: Path) -> None:
    rows = "p1,Fall 2025,MBA\np1,Fall 2025,MBA\np2,Fall 2025,MBA\np3,Fall 2025,MBA\n"
    applications, _ = starter(manifest, tmp_path, "applications", f"Person Id,Term,Program\n{rows}")
    assert '"map me: application_id" as application_id' in applications
    assert "(Person Id and Term and Program together have 3 values in 4 rows)" in applications
    assert "md5" not in applications


@pytest.mark.parametrize("is_copy", [True, False])
def test_people_of_a_flat_file_are_proposed_only_where_their_rows_agree(
    manifest: Path, tmp_path: Path, is_copy: bool
) -> None:
    rows = "".join(f"a{n},p{n % 30},Fall 2025,MBA,{n % 30 if is_copy else n}\n" for n in range(40))
    text = f"Application Id,Person Id,Term,Program,Years of Experience\n{rows}"
    _, persons = starter(manifest, tmp_path, "applications", text)
    is_proposed = 'select distinct\n    "Person Id" as person_id' in persons
    assert is_proposed == is_copy
    assert ('"map me: person_id"' in persons) == (not is_copy)


def test_every_proposed_key_is_one(contract: Contract, tmp_path: Path) -> None:
    """Of the sample with all its dirt, and of each example."""
    sources = [SAMPLE, *(ROOT / "examples" / name / path for name, path in EXAMPLES.items())]
    for source in sources:
        for proposal in proposals(contract, source):
            own_id = proposal.table.own_id
            if own_id and (column := proposal.match(own_id).source):
                with open_source(source) as connection:
                    query = without_open(starter_sql(proposal))
                    made = f"select {own_id} from ({query})"
                    total = connection.execute(
                        f"select count(*), count(distinct {own_id}), count(nullif({own_id}, '')) "
                        f"from ({made})"
                    ).fetchone()
                assert total
                assert len(set(total)) == 1, (proposal.table.name, column.name)


# --- what is mapped -----------------------------------------------------------------------------


def test_what_is_mapped_is_counted_and_the_rest_says_what_it_feeds(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Application Id,Person Id,Term,Submitted Date\na1,p1,Fall 2025,2025-01-02\n"
    (tmp_path / "applications.csv").write_text(text + "a2,p2,Fall 2025,2025-01-03\n")
    arguments = ["--output", str(tmp_path / "mapping"), "--manifest", str(manifest)]
    assert main(["map", str(tmp_path / "applications.csv"), *arguments]) == 0
    said = capsys.readouterr().out
    assert "applications: 3 of 4 required and 1 of 14 optional columns are mapped." in said
    nodes = json.loads(manifest.read_text())["nodes"]
    columns = nodes["model.applicant_personas.input__applications"]["columns"]
    for name in ("scholarship_offer_amount", "source_channel", "admitted_at"):
        features = columns[name]["config"]["meta"]["features"]
        assert f"{name} would switch on {', '.join(features)}" in said
    assert "submitted_at would switch on" not in said
    assert "interactions: not found in the source; it would switch on engagement, intent." in said
    assert "applications: 3 of 4 required" in (tmp_path / "mapping/report.md").read_text()


def test_what_another_table_says_is_not_asked_for(contract: Contract) -> None:
    lines = coverage(contract, proposals(contract, ROOT / "examples/slate/export"))
    (applications,) = (line for line in lines if line.startswith("applications: "))
    assert "admitted_at" not in applications


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        (
            "Numéro candidature;Numéro candidat;Rentrée;Programme;Déposée le;Statut",
            "{n};c{n};Automne 2025;MBA;{day:02}/09/2025;Admis",
            {"submitted_at": "Déposée le", "current_stage": "Statut", "entry_term": "Rentrée"},
        ),
        (
            "Número de solicitud;Id candidato;Convocatoria;Titulación;Fecha de solicitud;Estado",
            "{n};c{n};Otoño 2025;MBA;{day:02}/09/2025;Matriculada",
            {"submitted_at": "Fecha de solicitud", "current_stage": "Estado"},
        ),
        (
            "Antragsnr.;Bewerber-Nr.;Studienbeginn;Studiengang;Eingegangen am;Bearbeitungsstand",
            "{n};c{n};WS 2025/26;MBA;{day:02}.09.2025;Zulassung",
            {"submitted_at": "Eingegangen am", "current_stage": "Bearbeitungsstand"},
        ),
    ],
    ids=["french", "spanish", "german"],
)
def test_headers_and_codes_of_other_languages_are_known(
    contract: Contract, tmp_path: Path, header: str, rows: str, expected: dict[str, str]
) -> None:
    lines = [header, *(rows.format(n=n, day=n + 1) for n in range(20))]
    (tmp_path / "candidatures.csv").write_text("\n".join(lines))
    found = proposals(contract, tmp_path)
    names = header.split(";")
    keys = {"application_id": names[0], "person_id": names[1], "program_code": names[3]}
    every = {f"applications.{column}": name for column, name in (keys | expected).items()}
    assert every.items() <= chosen(found).items()
    assert all(not unknown_codes(contract, proposal) for proposal in found)


def test_headers_are_of_the_contract_and_each_once(contract: Contract) -> None:
    rows = shipped_rows("headers.csv")
    known = {
        (table.name, column.name) for table in contract.mapped_tables for column in table.columns
    }
    known |= {(table.name, "") for table in contract.mapped_tables}
    assert {(row["table"], row["column"]) for row in rows} <= known
    assert len({(row["table"], row["column"], row["header"]) for row in rows}) == len(rows)
    assert {row["language"] for row in rows} == {"en", "de", "fr", "es"}
    words_of = [row["word"] for row in shipped_rows("words.csv")]
    assert len(words_of) == len(set(words_of))


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
    assert main(apply_arguments(output, folder, tables, manifest)) == 0
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
        ("Prüfungsdatum", ("test", "date")),
        ("Année", ("year",)),
        ("Zulassung am", ("admitted", "date")),
    ],
)
def test_names_become_words(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


def test_common_words_make_no_likeness() -> None:
    assert similarity("univId", "id") < 0.4
    assert similarity("Applicant ID", "application id") < 0.4
    assert similarity("Application Reference", "application id") == 1


@pytest.mark.parametrize(
    "name",
    ["First Name", "EMAIL", "HomePhone", "birth_year", "Name", "SSN", "Geburtsdatum", "Vorname",
     "Straße", "PLZ", "Geschlecht", "Prénom", "Date de naissance", "Apellidos", "Teléfono"],
)  # fmt: skip
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
def test_a_worked_example_builds(manifest: Path, tmp_path: Path, name: str) -> None:
    example = ROOT / "examples" / name
    shutil.copytree(example / "mapping", tmp_path / "mapping")
    tables = tmp_path / "input"
    source = example / EXAMPLES[name]
    assert main(apply_arguments(tmp_path / "mapping", source, tables, manifest)) == 0
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
        unmapped = connection.execute("select code_set, code from data_quality.dq_unmapped_codes")
        assert unmapped.fetchall() == []
