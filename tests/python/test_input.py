"""The input layer: however a table arrives it is read alike, and no line is lost."""

from __future__ import annotations

import csv
import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from input_project import (
    APPLICATIONS,
    PERSONS,
    ROOT,
    SCORES,
    TABLES,
    Project,
    Run,
    assert_stops,
    column_meta,
    contract,
    csv_text,
    write_tables,
)

# --- however a table arrives --------------------------------------------------------------------


@pytest.fixture(scope="session")
def plain(project: Project) -> Run:
    run = project.build(write_tables(project.folder / "plain"))
    assert run.result.success, run.message
    return run


def content(run: Run) -> dict[str, list[tuple[Any, ...]]]:
    """Read the tables without x_round, whose type is that of the source."""
    assert run.result.success, run.message
    return {
        table: run.rows(
            f"select columns(lambda c: c not in ('x_round', '_refused')), _refused "
            f"from input.input__{table} order by 1"
        )
        for table in TABLES
    }


def test_values_are_typed_and_blanks_are_null(plain: Run) -> None:
    persons = plain.rows(
        "select created_at::varchar, is_test, distance_km, birth_year, x_note, _refused "
        "from input.input__persons order by person_id"
    )
    assert persons == [
        ("2024-09-01 10:00:00", True, 12.5, 1990, 'likes "tea"; and,\ncoffee', None),
        ("2024-09-02 08:30:00", False, None, None, None, None),
        ("2024-09-03 00:00:00", None, 0.25, None, "padded", None),
    ]


def test_columns_are_the_contract_then_x_then_refused(plain: Run) -> None:
    described = plain.rows("describe input.input__persons")
    columns = [column["name"] for column in contract()["persons"]["columns"]]
    assert [row[0] for row in described] == [*columns[:-1], "x_note", "_refused"]
    types = {row[0]: row[1].lower() for row in described}
    for column in contract()["persons"]["columns"]:
        assert types[column["name"]] == column["data_type"], column["name"]


def as_parquet(folder: Path) -> Path:
    """Native types, some of which differ from those of the contract."""
    types = {
        "persons": "created_at::timestamptz as created_at, is_test::boolean as is_test,"
        " distance_km::decimal(9, 3) as distance_km, birth_year::double as birth_year,"
        " country_of_residence::enum('US', 'DE') as country_of_residence",
        "applications": "submitted_at::timestamp_ns as submitted_at,"
        " english_waived::boolean as english_waived, x_round::integer as x_round",
        "test_scores": "value::float as value, test_date::timestamp as test_date",
    }
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for table, casts in types.items():
            source = write_tables(folder / "source") / f"{table}.csv"
            connection.execute(
                f"copy (select * replace ({casts}) from read_csv('{source}', all_varchar = true))"
                f" to '{folder / table}.parquet'"
            )
    return folder


def as_another_dialect(folder: Path) -> Path:
    """Packed; byte order mark, semicolons, Windows lines, padded capitals, another order."""
    write_tables(folder, persons="")
    columns = [*reversed(PERSONS[0])]
    text = csv_text(PERSONS, columns, delimiter=";", lineterminator="\r\n")
    header, _, body = text.partition("\r\n")
    header = ";".join(f' "{name.upper()}" ' for name in header.split(";"))
    packed = gzip.compress(f"\ufeff{header}\r\n{body}".encode())
    (folder / "Persons.CSV.GZ").write_bytes(packed)
    return folder


def as_parts(folder: Path) -> Path:
    """Make a folder a table; parts have columns of their own, the last is Parquet."""
    write_tables(folder, persons="")
    (folder / "persons").mkdir()
    (folder / "persons/part_1.csv").write_text(csv_text(PERSONS[:1]))
    (folder / "persons/part_2.csv.gz").write_bytes(
        gzip.compress(csv_text(PERSONS[1:2], sorted(PERSONS[1])).encode())
    )
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select 'p3' as person_id, date '2024-09-03' as created_at, .25 as distance_km,"
            f" 'padded' as x_note) to '{folder}/persons/part_3.parquet'"
        )
    return folder


def as_nested_parts(folder: Path) -> Path:
    """Parts of every format at several depths, a folder that holds a value, a way with detours."""
    write_tables(folder / "in", persons="", applications="")
    nested = folder / "in/persons/2024/it's [a] *"
    nested.mkdir(parents=True)
    (nested / "part 1.csv").write_text(csv_text(PERSONS[:1]))
    inner = folder / "in/persons/is_test=0/x_note=__HIVE_DEFAULT_PARTITION__"
    inner.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select 'p2' as person_id, '2024-09-02T08:30:00Z' as created_at)"
            f" to '{inner}/part-0' (format parquet)"
        )
    packed = gzip.compress(csv_text([{"person_id": "p3", "created_at": "2024-09-03"}]).encode())
    for name in ("distance_km=0.25", "distance_km=0.25/x_note=%20padded"):
        (folder / "in/persons" / name).mkdir()
    (folder / "in/persons/distance_km=0.25/x_note=%20padded/a.csv.gz").write_bytes(packed)
    (folder / "in/persons/_SUCCESS").touch()
    for row in APPLICATIONS:
        inner = folder / f"elsewhere/entry_term={row['entry_term']}/{row['application_id']}"
        inner.mkdir(parents=True)
        rest = {name: value for name, value in row.items() if name != "entry_term"}
        (inner / "b.csv").write_text(csv_text([rest]))
    (folder / "in/applications").symlink_to(folder / "elsewhere")
    return folder / "in/../elsewhere//.././in"


@pytest.mark.parametrize("arrange", [as_parquet, as_another_dialect, as_parts, as_nested_parts])
def test_every_arrival_gives_equal_tables(
    project: Project, plain: Run, arrange: Callable[[Path], Path], tmp_path: Path
) -> None:
    run = project.build(arrange(tmp_path))
    assert content(run) == content(plain)
    assert run.rows("from input.input__persons_rejects") == []


def test_relations_give_equal_tables(project: Project, plain: Run, tmp_path: Path) -> None:
    database = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema crm")
        for table in TABLES:
            source = write_tables(tmp_path / "source") / f"{table}.csv"
            connection.execute(
                f"create view crm.{table} as from read_csv('{source}', all_varchar = true)"
            )
    models = [f"input__{table}" for table in TABLES]
    run = project.dbt("run", "-s", *models, database=database, input_schema="crm")
    assert content(run) == content(plain)
    missing = project.dbt("run", "-s", "input__persons", input_schema="nowhere")
    assert "required table persons is not in the schema nowhere" in missing.message


def test_names_and_paths_with_odd_characters_are_only_names(
    project: Project, tmp_path: Path
) -> None:
    name = "x_o'k \"; drop table {{ a }}"
    persons = csv_text([{"person_id": "1", name: "v"}])
    folder = write_tables(tmp_path / "it's [a] fold*r; 100%", persons=persons)
    run = project.build(folder, "input__persons", "input__columns")
    assert run.result.success, run.message
    quoted = name.replace('"', '""')
    assert run.rows(f'select "{quoted}" from input.input__persons') == [("v",)]
    listed = run.rows("select column_name from input.input__columns where not is_in_contract")
    assert (name,) in listed


@pytest.mark.parametrize(
    ("encoding", "is_marked"),
    [
        ("utf-16", True),
        ("utf-16-le", False),
        ("utf-16-be", False),
        ("cp1252", False),
        ("utf-8-sig", True),
    ],
)
def test_other_encodings_are_read(
    project: Project, tmp_path: Path, encoding: str, is_marked: bool
) -> None:
    folder = write_tables(tmp_path)
    persons = csv_text([{"person_id": "1", "x_größe": "süß"}])
    (folder / "persons.csv").write_bytes(persons.encode(encoding))
    run = project.build(folder, "input__persons", "input__files")
    assert run.result.success, run.message
    assert run.rows('select person_id, "x_größe" from input.input__persons') == [("1", "süß")]
    found = run.rows("select encoding from input.input__files where table_name = 'persons'")
    names = {"utf-8-sig": "utf-8", "cp1252": "windows-1252"}
    assert found == [(names.get(encoding, "utf-16"),)]


@pytest.mark.parametrize("header", ["person_id;x_größe", "\r\nperson_id;größe;x_größe"])
def test_a_header_in_another_encoding_is_not_passed_over(
    project: Project, tmp_path: Path, header: str
) -> None:
    folder = write_tables(tmp_path)
    values = "1;" * header.count(";") + "a"
    content = "\r\n".join([header, *[values] * 3, ""])
    (folder / "persons.csv").write_bytes(content.encode("cp1252"))
    run = project.build(folder, "input__persons")
    assert run.result.success, run.message
    assert run.rows('select person_id, "x_größe" from input.input__persons') == [("1", "a")] * 3


def test_irregular_parts_have_the_values_of_their_folders(project: Project, tmp_path: Path) -> None:
    folder = write_tables(tmp_path, persons="")
    (folder / "persons/birth_year=1990").mkdir(parents=True)
    text = "person_id,x_note\n1,é\n2\n"
    (folder / "persons/birth_year=1990/a.csv").write_bytes(text.encode("cp1252"))
    run = project.build(folder, "input__persons", "dq_input_files", "input__columns")
    assert run.result.success, run.message
    assert run.rows("select person_id, birth_year, x_note from input.input__persons") == [
        ("1", 1990, "é")
    ]
    assert run.rows("select records from dq_input_files where table_name = 'persons'") == [(2,)]
    present = "select is_present from input.input__columns where column_name = 'birth_year'"
    assert run.rows(present) == [(True,)]


def test_what_is_not_read_is_a_row_with_the_reason(project: Project, tmp_path: Path) -> None:
    folder = write_tables(tmp_path)
    for name in ("test_score.csv", "persons_2023.csv", "Applications.xlsx", "notes/a.pdf"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("person_id\n")
    run = project.dbt("run", "-s", "+dq_input_files", input_path=str(folder))
    assert run.result.success, run.message
    found = run.rows(
        "select path, coalesce(regexp_extract(reason, 'did you mean (.*)', 1), 'read')"
        " from dq_input_files order by path"
    )
    meant = {
        "Applications.xlsx": "to save it as applications.csv?",
        "applications.csv": "read",
        "notes/a.pdf": "",
        "persons.csv": "read",
        "persons_2023.csv": "persons?",
        "test_score.csv": "test_scores?",
        "test_scores.csv": "read",
    }
    assert found == [(str(folder / name), text) for name, text in meant.items()]


def test_files_are_read_in_the_run_that_describes_them(project: Project, plain: Run) -> None:
    folders = ["--project-dir", str(project.folder), "--profiles-dir", str(project.folder)]
    os.environ["PERSONAS_WAREHOUSE"] = str(plain.database)
    variables = ["--vars", f"{{input_path: {project.folder / 'plain'}}}"]
    result = dbtRunner(manifest=project.manifest).invoke(
        ["run", "-s", "input__persons", *folders, *variables, "--quiet"]
    )
    DuckDBConnectionManager.close_all_connections()
    assert (
        "select it with what it reads: --select +input__persons"
        in Run(result, plain.database).message
    )


def test_hundreds_of_columns_are_columns(project: Project, tmp_path: Path) -> None:
    names = ["person_id", *(f"x_{number}" for number in range(800))]
    text = ",".join(names) + "\n" + ",".join(map(str, range(801))) + "\n"
    folder = write_tables(tmp_path, persons=text)
    run = project.build(folder, "input__persons", "input__columns")
    assert run.result.success, run.message
    assert run.rows("select person_id, x_799 from input.input__persons") == [("0", "800")]
    counted = "select count(*) from input.input__columns where column_name like 'x!_%' escape '!'"
    assert run.rows(counted) == [(801,)]


def test_a_long_cell_stays_one_cell(project: Project, tmp_path: Path) -> None:
    cell = "\n".join(f"p{number},note of somebody" for number in range(30_000))
    persons = csv_text([{"person_id": "1", "x_note": cell}, {"person_id": "2", "x_note": "b"}])
    for ragged in ("", "3\n"):
        folder = write_tables(tmp_path, persons=persons + ragged)
        run = project.build(folder, "input__persons")
        assert run.result.success, run.message
        read = run.rows("select person_id, x_note from input.input__persons order by 1")
        assert read == [("1", cell), ("2", "b")]


# --- nothing is lost ----------------------------------------------------------------------------


def test_lines_that_do_not_fit_are_kept_with_file_line_and_reason(
    project: Project, tmp_path: Path
) -> None:
    lines = [
        "person_id,created_at,is_test",
        "p1,2024-01-01,1",
        'p2,"bad" quote,1',
        "p3,2024-01-01",
        "p4,2024-01-01,1,extra",
        '"p\n5",2024-01-01,1',
        "p6,2024-01-01,1",
        "p7",
    ]
    folder = write_tables(tmp_path, persons="\n".join(lines) + "\n")
    models = [f"input__{table}" for table in contract()]
    run = project.build(folder, *models, "input__rejected_rows")
    assert run.result.success, run.message
    rejected = run.rows(
        "select line_number, column_name, raw_text, split_part(reason, ':', 1), source_file "
        "from input.input__rejected_rows order by 1"
    )
    file = str(folder / "persons.csv")
    assert rejected == [
        (3, None, lines[2], "text after a closing quote", file),
        (4, None, lines[3], "missing columns", file),
        (5, None, lines[4], "too many columns", file),
        (9, None, lines[7], "missing columns", file),
    ]
    n_read = run.rows("select count(*) from input.input__persons")[0][0]
    assert n_read + len(rejected) == len(lines) - 1

    # Building one table again replaces its rejects and keeps those of the others.
    (folder / "persons.csv").write_text(csv_text(PERSONS))
    (folder / "test_scores.csv").write_text(csv_text(SCORES) + "s2,p1\n")
    for model in ("input__test_scores", "input__persons"):
        again = project.build(folder, model, "input__rejected_rows", database=run.database)
        assert again.result.success, again.message
    tables = again.rows("select table_name, line_number from input.input__rejected_rows")
    assert tables == [("test_scores", 3)]


def test_values_that_can_not_be_typed_are_null_and_kept(project: Project, tmp_path: Path) -> None:
    rows = [
        {"person_id": "1", "birth_year": "1990.5", "distance_km": "inf", "is_test": "maybe"},
        {"person_id": "2", "created_at": "01/02/2024", "distance_km": "1,500"},
        {"person_id": "3", "created_at": "2024-02-30", "distance_km": "nan"},
        {"person_id": "4", "created_at": "2024-02-03 04:00:00+02:00", "birth_year": "1990.0"},
    ]
    run = project.build(write_tables(tmp_path, persons=csv_text(rows)), "input__persons")
    refused = run.rows(
        "select person_id, item.column_name, item.raw_value from ("
        "select person_id, unnest(_refused) as item from input.input__persons) order by 1, 2"
    )
    assert refused == [
        ("1", "birth_year", "1990.5"),
        ("1", "distance_km", "inf"),
        ("1", "is_test", "maybe"),
        ("2", "created_at", "01/02/2024"),
        ("2", "distance_km", "1,500"),
        ("3", "created_at", "2024-02-30"),
        ("3", "distance_km", "nan"),
    ]
    fine = run.rows(
        "select created_at::varchar, birth_year from input.input__persons where person_id = '4'"
    )
    assert fine == [("2024-02-03 02:00:00", 1990)]


def test_numbers_may_have_a_decimal_comma(project: Project, tmp_path: Path) -> None:
    numbers = {
        "1,5": 1.5,
        "0,250": 0.25,
        "+3,1415": 3.1415,
        "1.234,5": 1234.5,
        "1,234.5": 1234.5,
        "1,500": None,
        "1.234.567": None,
        "1,2,3": None,
        "12,34.5": None,
    }
    rows = [{"person_id": f"{n}", "distance_km": text} for n, text in enumerate(numbers)]
    text = csv_text(rows, delimiter=";")
    run = project.build(write_tables(tmp_path, persons=text), "input__persons")
    assert run.result.success, run.message
    read = run.rows("select distance_km from input.input__persons order by person_id")
    assert [row[0] for row in read] == [*numbers.values()]
    refused = run.rows(
        "select _refused[1].raw_value from input.input__persons where _refused "
        "is not null order by person_id"
    )
    assert [row[0] for row in refused] == [k for k, value in numbers.items() if value is None]


def test_every_number_of_the_contract_has_a_range() -> None:
    ranges = {
        (table, column["name"]): column["config"]["meta"].get("range")
        for table, model in contract().items()
        for column in model["columns"]
        if column["data_type"] in ("double", "integer")
    }
    assert len(ranges) > 10
    assert all(low < high for low, high in ranges.values())


@pytest.mark.parametrize("is_typed", [False, True])
def test_what_is_out_of_range_is_refused_with_its_text(
    project: Project, tmp_path: Path, is_typed: bool
) -> None:
    """Whatever type it comes in, before anything is made of it that could fail."""
    values = {
        "distance_km": ["20038.5", "-1", "1e299", "1e300"],
        "birth_year": ["1900", "2101", "99999", "2147483647"],
        "years_experience": ["70.5", "-0.5", "1e15", "-1e299"],
    }
    days = ["5000000-01-01", "10000-01-01", "9999-12-31", "290000-01-01"]
    rows = [
        {"person_id": str(n), **{name: texts[n] for name, texts in values.items()}}
        for n in range(4)
    ]
    folder = write_tables(tmp_path, persons=csv_text(rows))
    if is_typed:
        columns = "person_id, distance_km::double as distance_km, birth_year::bigint as birth_year"
        columns += ", years_experience::double as years_experience"
        columns += f", {days}[person_id + 1]::date as created_at"
        file = folder / "persons.csv"
        duckdb.sql(f"copy (select {columns} from '{file}') to '{folder / 'persons.parquet'}'")
        file.unlink()
    run = project.build(folder, "input__persons", institution_timezone="Europe/Berlin")
    assert run.result.success, run.message
    kept = run.rows("select columns('distance_km|birth_year|years_exp') from input.input__persons")
    assert kept == [(None, None, None)] * 4
    refused = run.rows(
        "select item.column_name, item.raw_value from ("
        "select unnest(_refused) as item from input.input__persons)"
    )
    given = [(name, float(text)) for name, texts in values.items() for text in texts]
    numbers = [(name, float(text)) for name, text in refused if name != "created_at"]
    assert sorted(numbers) == sorted(given)
    refused_days = [text for name, text in refused if name == "created_at"]
    assert sorted(refused_days) == sorted([*days[:2], days[3]] if is_typed else [])


def test_numbers_and_times_as_only_programs_read_them_are_refused(
    project: Project, tmp_path: Path
) -> None:
    rows = [
        {"person_id": "1", "created_at": "2024-01-02 10:00:00+99:00", "distance_km": "1_60"},
        {"person_id": "2", "created_at": "2024-01-02 10:00:00-15:00", "birth_year": "1_990"},
        {"person_id": "3", "created_at": "2024-01-02 10:00:00+14:00", "distance_km": "160"},
    ]
    run = project.build(write_tables(tmp_path, persons=csv_text(rows)), "input__persons")
    assert run.result.success, run.message
    read = "select created_at::varchar, distance_km, birth_year from input.input__persons"
    assert run.rows(f"{read} order by person_id") == [
        (None, None, None),
        (None, None, None),
        ("2024-01-01 20:00:00", 160, None),
    ]
    refused = run.rows("select len(_refused) from input.input__persons order by person_id")
    assert refused == [(2,), (2,), (None,)]


HEADER = b"person_id,x_note\n"
# Content of persons.csv, the rows to be read, and line and reason of what is not.
HOSTILE: dict[str, tuple[bytes, list[tuple[str, str | None]], list[tuple[int, str]]]] = {
    "header only": (HEADER, [], []),
    "header without an end": (HEADER.strip(), [], []),
    "no end of the last line": (HEADER + b"1,a", [("1", "a")], []),
    "unterminated quote": (
        HEADER + b'1,"a\n2,b\n3,c\n',
        [("2", "b"), ("3", "c")],
        [(2, "unterminated quote")],
    ),
    "unterminated quote before a good one": (
        HEADER + b'1,"a\n2,"b, c"\n',
        [("2", "b, c")],
        [(2, "unterminated quote")],
    ),
    "text after a quote": (
        HEADER + b'1,"a" b\n2,b\n',
        [("2", "b")],
        [(2, "text after a closing quote")],
    ),
    "quote within": (HEADER + b'1,6" tall\n', [("1", '6" tall')], []),
    "embedded line ends": (
        HEADER + b'1,"a\r\nb\n\nc"\n2,b\n',
        [("1", "a\r\nb\n\nc"), ("2", "b")],
        [],
    ),
    "embedded line ends and a ragged row": (
        HEADER + b'1,"a\nb"\n2\n',
        [("1", "a\nb")],
        [(4, "missing columns")],
    ),
    "mixed line ends": (b"person_id,x_note\r\n1,a\n2,b\r\n", [("1", "a"), ("2", "b")], []),
    "lone carriage returns": (b"person_id,x_note\r1,a\r2,b\r", [("1", "a"), ("2", "b")], []),
    "lone return in the middle": (
        b"person_id,x_note\r\n1,a\r2,b\r\n",
        [("1", "a"), ("2", "b")],
        [],
    ),
    "blank lines": (b"\n" + HEADER + b"\n1,a\n\n\n2,b\n\n", [("1", "a"), ("2", "b")], []),
    "ragged": (
        HEADER + b"1\n2,b\n3,c,d\n",
        [("2", "b")],
        [(2, "missing columns"), (4, "too many columns")],
    ),
    "zero byte": (HEADER + b"1,a\x00\n2,b\n", [("2", "b")], [(2, "zero byte")]),
    "control characters": (HEADER + b"1,a\x01b\n", [("1", "a\x01b")], []),
    "all in quotes": (b'"person_id","x_note"\n"1","a"\n', [("1", "a")], []),
    "padded header": (b'\xef\xbb\xbf "PERSON_ID" , X_Note \n1,a\n', [("1", "a")], []),
    "tabs": (b"person_id\tx_note\n1\ta,b\n", [("1", "a,b")], []),
    "pipes": (b"person_id|x_note\n1|a;b\n", [("1", "a;b")], []),
    "one column": (b"person_id\n1\n\n2\n", [("1", None), ("2", None)], []),
    "long text": (HEADER + b"1," + b"a" * 3_000_000 + b"\n", [("1", "a" * 3_000_000)], []),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_read_as_far_as_they_can_be(
    project: Project, tmp_path: Path, name: str
) -> None:
    content, rows, rejected = HOSTILE[name]
    folder = write_tables(tmp_path)
    (folder / "persons.csv").write_bytes(content)
    run = project.build(folder, "input__persons")
    assert run.result.success, run.message
    note = "x_note" if b"note" in content.lower() else "null"
    assert run.rows(f"select person_id, {note} from input.input__persons order by 1") == rows
    found = run.rows(
        "select line_number, split_part(reason, ':', 1) from input.input__persons_rejects "
        "order by 1"
    )
    assert found == rejected
    counted = run.rows("select n_records from input.input__files where table_name = 'persons'")
    assert counted == [(len(rows) + len(rejected),)]


@pytest.mark.parametrize("is_typed", [False, True])
def test_local_times_become_utc_and_days_stay(
    project: Project, tmp_path: Path, is_typed: bool
) -> None:
    moments = {
        "2024-07-03 20:30": "2024-07-04 00:30:00",
        "2024-12-03 20:30": "2024-12-04 01:30:00",
        "2024-07-03": "2024-07-03 00:00:00",
        "2024-07-03 00:00:00": "2024-07-03 00:00:00",
    }
    if not is_typed:
        moments["2024-07-03T20:30:00Z"] = "2024-07-03 20:30:00"
        moments["2024-07-03 20:30:00-04:00"] = "2024-07-04 00:30:00"
    rows = [{"person_id": str(n), "created_at": text} for n, text in enumerate(moments)]
    folder = write_tables(tmp_path, persons=csv_text(rows))
    if is_typed:
        file = str(folder / "persons.csv")
        columns = "person_id::varchar as person_id, created_at::timestamp as created_at"
        duckdb.sql(f"copy (select {columns} from '{file}') to '{folder / 'persons.parquet'}'")
        Path(file).unlink()
    run = project.build(folder, "input__persons", institution_timezone="America/New_York")
    assert run.result.success, run.message
    found = run.rows("select created_at::varchar from input.input__persons order by person_id")
    assert [row[0] for row in found] == list(moments.values())


def test_four_threads_keep_every_reject(project: Project, tmp_path: Path) -> None:
    folder = tmp_path
    # An erasure list with such a line would stop the build.
    tables = {name: table for name, table in contract().items() if name != "erasure_list"}
    for name, table in tables.items():
        columns = [c["name"] for c in table["columns"] if c["name"] != "_refused"]
        (folder / f"{name}.csv").write_text(",".join(columns) + "\nragged\n")
    models = [f"input__{table}" for table in contract()]
    run = project.dbt(
        "run", "-s", *models, "input__rejected_rows", "--threads", "4", input_path=str(folder)
    )
    assert run.result.success, run.message
    rejected = run.rows("select table_name from input.input__rejected_rows order by 1")
    assert rejected == [(name,) for name in sorted(tables)]


def test_a_killed_run_leaves_no_record_for_the_next(project: Project, tmp_path: Path) -> None:
    folder = write_tables(tmp_path)
    (folder / "persons.csv").write_bytes("person_id,x_größe\n1,a\n".encode("cp1252"))
    run = project.build(folder, "input__persons")
    assert run.result.success, run.message
    left = "select count(*) from input.input__delimited_records"
    assert run.rows(left) == [(0,)]
    with duckdb.connect(str(run.database)) as connection:
        connection.execute(
            "insert into input.input__delimited_records (path, raw_text) values ('a', 'b')"
        )
    # One that stops at its beginning empties it as well, before it does anything else.
    again = project.dbt("run", "-s", "input__persons", database=run.database, n_personas=99)
    assert not again.result.success
    assert run.rows(left) == [(0,)]


# --- what is absent -----------------------------------------------------------------------------


def test_absent_tables_and_columns_are_typed_and_listed(project: Project, plain: Run) -> None:
    run = project.build(
        project.folder / "plain", "input__stage_events", "input__columns", "input__persons"
    )
    events = {row[0]: row[1] for row in run.rows("describe input.input__stage_events")}
    assert events["occurred_at"] == "TIMESTAMP"
    assert run.rows("select count(*) from input.input__stage_events") == [(0,)]
    listed = run.rows(
        "select column_name, is_present, is_in_contract from input.input__columns "
        "where table_name = 'persons' and column_name in ('person_id', 'residency', 'x_note')"
        " order by 1"
    )
    expected = [("person_id", True, True), ("residency", False, True), ("x_note", True, False)]
    assert listed == expected


def test_capabilities_say_what_is_off_and_what_depends_on_it(
    project: Project, tmp_path: Path
) -> None:
    undated = [{k: v for k, v in row.items() if k != "submitted_at"} for row in APPLICATIONS]
    programs = csv_text([{"program_code": "DS", "program_name": "Data Science"}])
    folder = write_tables(tmp_path, applications=csv_text(undated), programs=programs)
    run = project.dbt("build", input_path=str(folder))
    assert run.result.success, run.message
    found = {
        row[0]: row[1:]
        for row in run.rows(
            "select level || ' ' || capability, is_available, reason, affected_features "
            "from dq_capabilities"
        )
    }
    assert found["table test_scores"][0]
    assert found["block english"][0]
    assert found["table interactions"][1] == (
        "The source has no table interactions: its columns are null."
    )
    assert "stated_intent" in found["table interactions"][2]
    assert found["block timing"][0] is False
    assert found["block timing"][1].startswith("Static mode")
    assert found["column persons.distance_km"] == (True, f"Read from {folder}/persons.csv.", None)
    assert found["column persons.residency"][0] is False
    assert found["column persons.residency"][2] == "is_domestic"
    assert found["column persons.x_note"][0]
    # How many it is of few people is not told; programs are not people.
    rows = dict(run.rows("select capability, n_rows from dq_capabilities where level = 'table'"))
    assert len(PERSONS) < 10
    assert rows["persons"] is rows["applications"] is rows["test_scores"] is None
    assert (rows["programs"], rows["interactions"]) == (1, 0)


# --- the configuration check --------------------------------------------------------------------

YIELD = {"name": "yield", "at_risk": "admitted", "outcome": "enrolled"}
WRONG_VARS = [
    ({"n_persona": 5}, "the var n_persona given with --vars is unknown"),
    ({"n_personas": 13}, "the var n_personas is 13; give a whole number from 2 to 12"),
    ({"n_personas": "many"}, "the var n_personas is many"),
    ({"n_personas": True}, "the var n_personas is True"),
    ({"min_cell": 0}, "the var min_cell is 0"),
    ({"training_rows": None}, "the var training_rows is None"),
    ({"seed": 1.5}, "the var seed is 1.5"),
    ({"backtest_offset_days": -1}, "the var backtest_offset_days is -1"),
    ({"settling_days": -1}, "the var settling_days is -1; give a whole number from 0 to 3650"),
    ({"settling_days": None}, "the var settling_days is None"),
    ({"mixed_below": 2}, "the var mixed_below is 2; give a number from 0 to 1"),
    ({"change_threshold": 5}, "the var change_threshold is 5; give a number from 0 to 1"),
    ({"changes_since": "soon"}, "the var changes_since is soon; give a whole number of days from"),
    ({"days_kept": 0}, "the var days_kept is 0; give a whole number from 1 to 1000"),
    ({"export_path": ""}, "the var export_path is ; give the folder that exports are written to"),
    ({"home_country": "usa"}, "the var home_country is usa"),
    ({"institution_timezone": "Mars/Olympus"}, "is Mars/Olympus, which is no time zone; give an"),
    ({"institution_timezone": "'; drop"}, "the var institution_timezone is '; drop, which is no"),
    ({"institution_timezone": 5}, "the var institution_timezone is 5, which is no time zone"),
    ({"as_of": "2026-02-29"}, "the var as_of is 2026-02-29; give a day as YYYY-MM-DD"),
    ({"as_of": "'; drop table"}, "the var as_of is '; drop table"),
    ({"phases": []}, "the var phases is not a list of phases"),
    ({"phases": {"name": "yield"}}, "the var phases is not a list of phases"),
    ({"phases": [{"name": "yield"}]}, "entry 1 of the var phases has not exactly the keys"),
    (
        {"phases": [{"name": "a b", "at_risk": "admitted", "outcome": "enrolled"}]},
        "the phase name a b",
    ),
    (
        {"phases": [{"name": "yield", "at_risk": "admited", "outcome": "enrolled"}]},
        "at_risk of the phase yield in the var phases is admited, which is no stage",
    ),
    (
        {"phases": [{"name": "yield", "at_risk": "enrolled", "outcome": "admitted"}]},
        "goes from enrolled to admitted, which does not come later",
    ),
    ({"as_of_offsets": 30}, "the var as_of_offsets is 30; give a list"),
    ({"as_of_offsets": [30, 30]}, "the var as_of_offsets is [30, 30]"),
    ({"as_of_offsets": ["soon"]}, "the var as_of_offsets is ['soon']"),
    ({"as_of_offsets": [-1]}, "the var as_of_offsets is [-1]"),
    ({"deferrals": "kept"}, "the var deferrals is kept; give one of lost, enrolled, excluded"),
    ({"leak_severity": "stop"}, "the var leak_severity is stop; give one of warn, error"),
    ({"serve_path": ".."}, "the var serve_path is ..; give a folder of its own, such as serve"),
    ({"serve_path": "s3://bucket/serve"}, "the var serve_path is s3://bucket/serve; give a folder"),
    (
        {"phases": [{"name": "y", "at_risk": "admitted", "outcome": "enrolled", "opens": "x"}]},
        "opens of the phase y in the var phases is x; give a whole number of days",
    ),
    (
        {
            "phases": [
                {"name": "y", "at_risk": "admitted", "outcome": "enrolled", "opens": 1, "closes": 9}
            ]
        },
        "opens 1 and closes 9 days before census",
    ),
    ({"input_schema": "crm"}, "both input_path and input_schema are given"),
    ({"n_personas": 1}, "the var n_personas is 1"),
    ({"n_personas": [5]}, "the var n_personas is [5]"),
    ({"min_cell": -11}, "the var min_cell is -11; give a whole number from 1"),
    ({"min_cell": "eleven"}, "the var min_cell is eleven"),
    ({"training_rows": 10}, "the var training_rows is 10; give a whole number from 100"),
    ({"seed": -1}, "the var seed is -1"),
    ({"rows_at_once": 0}, "the var rows_at_once is 0; give a whole number from 100"),
    ({"backtest_offset_days": "soon"}, "the var backtest_offset_days is soon"),
    ({"mixed_below": "half"}, "the var mixed_below is half"),
    ({"mixed_below": True}, "the var mixed_below is True"),
    ({"home_country": None}, "the var home_country is None"),
    ({"home_country": "U'"}, "the var home_country is U'"),
    ({"as_of": 20260101}, "the var as_of is 20260101; give a day as YYYY-MM-DD"),
    ({"as_of": "today"}, "the var as_of is today"),
    ({"as_of_offsets": {"days": 30}}, "the var as_of_offsets is {'days': 30}"),
    ({"deferrals": None}, "the var deferrals is None"),
    ({"leak_severity": True}, "the var leak_severity is True"),
    ({"phases": "yield"}, "the var phases is not a list of phases"),
    ({"phases": ["yield"]}, "entry 1 of the var phases has not exactly the keys"),
    ({"phases": [YIELD, YIELD]}, "the var phases names two phases yield; rename one of them"),
    (
        {"phases": [YIELD, YIELD | {"name": "again"}]},
        "two phases of the var phases go from admitted to enrolled; keep one of them",
    ),
    ({"phases": [YIELD | {"name": "all"}]}, "the phase name all in the var phases is kept for"),
    ({"refit": "sometimes"}, "the var refit is sometimes; give one of auto, always, never"),
    ({"refit": True}, "the var refit is True"),
    ({"refit": "never"}, "the var refit is never, and the database holds no model yet"),
    ({"phases": [YIELD | {"limit": 5}]}, "entry 1 of the var phases has not exactly the keys"),
    ({"phases": [YIELD | {"outcome": "happy"}]}, "outcome of the phase yield in the var phases is"),
    ({"phases": [YIELD | {"closes": 1.5}]}, "closes of the phase yield in the var phases is 1.5"),
    ({"phases": [YIELD | {"name": None}]}, "the phase name None in the var phases"),
    ({"input_path": None}, "neither input_path nor input_schema is set"),
    ({"input_path": ""}, "neither input_path nor input_schema is set"),
    ({"input_path": 5}, "input_path is 5, where there is no file that can be read"),
    ({"input_path": "README.md"}, "input_path is README.md, where there is no file"),
    ({"input_path": "s3://bucket/export"}, "needs the DuckDB extension httpfs"),
    ({"input_path": "it's; drop table x"}, "where there is no file that can be read"),
    (
        {"input_path": None, "input_schema": "nowhere"},
        "the required table persons is not in the schema nowhere",
    ),
    (
        {"input_path": None, "input_schema": "crm", "input_database": "nowhere"},
        "the required table persons is not in the schema crm",
    ),
]


@pytest.mark.parametrize(("variables", "sentence"), WRONG_VARS)
def test_wrong_vars_stop_the_run(
    project: Project,
    plain: Run,
    capfd: pytest.CaptureFixture[str],
    variables: dict[str, Any],
    sentence: str,
) -> None:
    variables = {"input_path": str(project.folder / "plain")} | variables
    assert_stops(lambda: project.dbt("run", "-s", "input__persons", **variables), sentence, capfd)


WRONG_INPUT = [
    ({"persons": ""}, {}, "the required table persons is not in"),
    ({"applications": "application_id,person_id\n"}, {}, "has no column entry_term, which the"),
    ({"applications": ""}, {}, "the required table applications is not in"),
    ({"persons": "created_at\np1\n"}, {}, "has no column person_id, which the table persons"),
    ({"persons": ""}, {"persons.json": "[]"}, "persons.json, a format that is not read"),
    ({"persons": ""}, {"persons/part.csv": ""}, "is empty, without even a header"),
    ({"test_scores": "score_id,value\n"}, {}, "has no column person_id, which the table test_"),
    ({}, {"persons/part.csv": "person_id\n"}, "the table persons is there more than once"),
    ({}, {"stage_events.xlsx": "x"}, "stage_events.xlsx, a format that is not read"),
    ({"persons": "person_id, PERSON_ID\n"}, {}, "has 2 columns named person_id"),
    ({"persons": 'person_id,"x_a\n'}, {}, "has a quote that is not closed"),
    ({"persons": "\n"}, {}, "is empty, without even a header"),
    ({}, {"xwalk_stages.csv": "code\n"}, "has no column stage, which the table xwalk_stages"),
    ({}, {"erasure_list.csv": "person_id,why\np1\n"}, "line 2 of the erasure list"),
    ({}, {"erasure_list.csv": "who\n"}, "has no column person_id, which the table erasure_list"),
]


@pytest.mark.parametrize(("changed", "added", "sentence"), WRONG_INPUT)
def test_wrong_input_stops_the_run(
    project: Project,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    changed: dict[str, str],
    added: dict[str, str],
    sentence: str,
) -> None:
    folder = write_tables(tmp_path, **changed)
    for name, text in added.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    assert_stops(lambda: project.build(folder, "input__persons"), sentence, capfd)


WRONG_FILES = [
    ("persons.parquet", b"", "persons.parquet is empty; export it again"),
    ("persons.parquet", b"person_id\n1\n", "persons.parquet is no Parquet file; export it again"),
    ("persons.parquet", b"PAR1" + bytes(90), "persons.parquet is cut off"),
    ("persons.csv.gz", b"", "persons.csv.gz is empty; export it again"),
    ("persons.csv.gz", b"person_id\n1\n", "persons.csv.gz is no gzip file; export it again"),
    (
        "persons.csv.gz",
        gzip.compress(HEADER + os.urandom(3_000).hex().encode())[:400],
        "Unexpected end of GZIP stream",
    ),
]


@pytest.mark.parametrize(("name", "content", "sentence"), WRONG_FILES)
def test_files_that_are_not_what_they_say_stop_the_run(
    project: Project,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    name: str,
    content: bytes,
    sentence: str,
) -> None:
    folder = write_tables(tmp_path, persons="")
    (folder / name).write_bytes(content)
    assert_stops(lambda: project.build(folder, "input__persons"), sentence, capfd)


CATALOG = "feature,source_column,role\n"
WRONG_TABLES = [
    (
        "entry_terms",
        "entry_term,census_on\nT1,2025-09-01\nT2,\n",
        "T2 in the table entry_terms has no",
    ),
    ("entry_terms", "entry_term,census_on\nT1,soon\n", "has the census date soon, which is no day"),
    (
        "feature_catalog",
        CATALOG + "grade,persons.x_none,both\n",
        "has no such column; add the column",
    ),
    (
        "feature_catalog",
        CATALOG + "grade,scores.x,both\n",
        "is scores.x; give a table and a column",
    ),
    ("feature_catalog", CATALOG + "grade,persons.x_note,bth\n", "is bth; give one of persona"),
    (
        "feature_catalog",
        CATALOG + "persona_key,persons.x_note,both\n",
        "a feature named persona_key",
    ),
    (
        "persona_names",
        "persona_key,persona_name\npersona_01,Regulars\npersona_02,regulars\n",
        "to several personas; give each",
    ),
    ("feature_catalog", CATALOG + "drop table,persons.x_note,both\n", "a feature named drop table"),
    ("feature_catalog", CATALOG + "{{ 1 }},persons.x_note,both\n", "a feature named {{ 1 }}"),
]


@pytest.mark.parametrize(("table", "text", "sentence"), WRONG_TABLES)
def test_wrong_reference_tables_stop_the_run(
    project: Project,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    table: str,
    text: str,
    sentence: str,
) -> None:
    folder = write_tables(tmp_path, **{table: text})
    assert_stops(lambda: project.build(folder, f"input__{table}"), sentence, capfd)


def test_at_least_sixty_different_wrong_things_are_tried() -> None:
    cases = [*WRONG_VARS, *WRONG_INPUT, *WRONG_FILES, *WRONG_TABLES]
    assert len({repr(case) for case in cases}) == len(cases)
    assert len(cases) >= 60


def test_parquet_parts_may_differ_in_types(project: Project, tmp_path: Path) -> None:
    folder = write_tables(tmp_path, persons="")
    (folder / "persons").mkdir()
    with duckdb.connect() as connection:
        for number, columns in enumerate(
            [
                "1 as person_id, date '2024-01-02' as created_at, 'a' as x_note",
                "'p2' as person_id, timestamp '2024-01-02 03:04:05' as created_at, 7 as x_note",
                "3.0::decimal(9, 1) as person_id, [1] as x_list",
            ]
        ):
            connection.execute(f"copy (select {columns}) to '{folder}/persons/{number}.parquet'")
    run = project.build(folder, "input__persons")
    assert run.result.success, run.message
    read = run.rows("select person_id, created_at::varchar, x_note from input.input__persons")
    assert sorted(read) == [
        ("1", "2024-01-02 00:00:00", "a"),
        ("3", None, None),
        ("p2", "2024-01-02 03:04:05", "7"),
    ]


# --- one place for each fact --------------------------------------------------------------------


def quoted_words(path: str, macro: str) -> list[str]:
    text = (ROOT / path).read_text()
    body = text[text.index(f"macro {macro}(") :]
    return re.findall(r"'(\w+)'", body[: body.index("endmacro")])


def test_lists_that_parsing_needs_equal_their_sources() -> None:
    names = quoted_words("macros/input/contract.sql", "contract_table_names")
    assert sorted(names) == sorted(contract())
    variables = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    known = quoted_words("macros/configuration/check_configuration.sql", "known_vars")
    assert sorted(known) == sorted(variables)


def test_the_contract_names_the_stages_and_features_that_exist() -> None:
    def column(path: str, name: str) -> list[str]:
        with (ROOT / path).open() as file:
            return [row[name] for row in csv.DictReader(file)]

    columns = contract()["stage_events"]["columns"]
    stages = next(c for c in columns if c["name"] == "stage")["config"]["meta"]["values"]
    assert sorted(stages) == sorted(column("seeds/terminology/stages.csv", "stage"))
    features = {name for meta in column_meta() for name in meta.get("features", [])}
    assert features <= set(column("seeds/catalog/feature_catalog.csv", "feature"))
