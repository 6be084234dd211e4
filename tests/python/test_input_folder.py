"""The input folder is described file by file; what is not read says why."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applicant_personas.input_folder import Readers, describe_folder

CONTRACT = pd.DataFrame(
    [
        ("persons", "person_id", True),
        ("persons", "birth_year", False),
        ("applications", "application_id", True),
        ("applications", "entry_term", True),
        ("test_scores", "score_id", True),
    ],
    columns=["table_name", "column_name", "is_required_column"],
)
PERSONS = "person_id,x_note\n1,a\n"


def no_remote(path: str) -> Any:
    raise AssertionError(path)


def describe(
    folder: Path | str, readers: Readers | None = None, project: Path | str = "."
) -> dict[str, dict[str, Any]]:
    connection = duckdb.connect()
    readers = readers or Readers(
        no_remote,
        no_remote,
        lambda path: connection.read_parquet(path, hive_partitioning=False),
    )
    rows = describe_folder(str(folder), str(project), CONTRACT, readers).to_pylist()
    root = str(folder).rstrip("/") + "/"
    return {row["path"].removeprefix(root): row for row in rows}


def write_file(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def parquet(select: str, path: Path) -> bytes:
    duckdb.sql(f"copy ({select}) to '{path}' (format parquet)")
    content = path.read_bytes()
    path.unlink()
    return content


def test_files_are_parts_of_tables_to_any_depth(tmp_path: Path) -> None:
    packed = parquet("select 1::bigint as person_id, 2.5::double as x_gpa", tmp_path / "_made")
    files = {
        "Persons.CSV": PERSONS,
        "applications/2024/a b/[1]*.csv.gz": gzip.compress(b"application_id;entry_term\n1;a\n2;b"),
        "applications/entry_term=2025FA/part-0": parquet(
            "select 'x' as application_id", tmp_path / "_made"
        ),
        "test_scores.parquet/a.parq": parquet("select 's' as score_id", tmp_path / "_made"),
        "test_scores.parquet/_SUCCESS": "",
        "test_scores.parquet/.a.parq.crc": "",
    }
    folder = tmp_path / "in"
    for name, content in files.items():
        write_file(folder / name, content)
    found = describe(folder)
    assert {name for name in found if found[name]["is_read"]} == {*list(files)[:4]}
    gz = found["applications/2024/a b/[1]*.csv.gz"]
    assert (gz["table_name"], gz["delimiter"], gz["n_records"]) == ("applications", ";", 2)
    assert gz["location"] == str(folder / "applications")
    bare = found["applications/entry_term=2025FA/part-0"]
    assert (bare["format"], bare["partitions"]) == ("parquet", ["entry_term"])
    assert bare["types"] == ["VARCHAR"]
    assert all(found[name]["problem"] is None for name in found)
    assert "mark" in found["test_scores.parquet/_SUCCESS"]["reason"]
    write_file(folder / "persons/part", packed)
    twice = describe(folder)["persons/part"]
    assert (twice["columns"], twice["types"]) == (["person_id", "x_gpa"], ["BIGINT", "DOUBLE"])
    assert twice["n_records"] == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("test_score.csv", "did you mean test_scores?"),
        ("persons_2023.csv", "did you mean persons?"),
        ("2024-09 applications final.csv", "did you mean applications?"),
        ("export/persons.csv", "did you mean persons, directly in the input folder?"),
        ("Applications.xlsx", "did you mean to save it as applications.csv?"),
        ("README.md", "no table has its name"),
        ("export/README.md", "no table has the name of its folder"),
        (".DS_Store", "hidden"),
    ],
)
def test_what_is_not_read_says_why(tmp_path: Path, name: str, meant: str) -> None:
    write_file(tmp_path / "applications.csv", "application_id,entry_term\n")
    write_file(tmp_path / name, "a,b\n1,2\n")
    row = describe(tmp_path)[name]
    assert not row["is_read"]
    assert row["problem"] is None
    assert meant in row["reason"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("persons.xlsx", b"PK\3\4", "the table persons has {}, a format that is not read; save it"),
        ("persons/notes.txt", "x", "the folder of the table persons has {}, a format that is not"),
        ("persons.csv", b"PK\3\4zip", "{} is an Excel workbook or a zip archive by its content"),
        ("persons.csv", b"PAR1", "{} is a Parquet file by its content; name it so"),
        ("persons.csv", "", "{} is empty, without even a header"),
        ("persons.csv", "name\n", "{} has no column person_id, which the table persons requires"),
        ("persons.csv", "person_id,X_a,x_A\n", "{} has 2 columns named x_a (upper and lower"),
        ("persons.csv.gz", gzip.compress(os.urandom(999))[:300], "{} is cut off"),
        ("persons/k=1/x_a=2/x_a=3/p.csv", PERSONS, "{} has 2 columns named x_a"),
    ],
)
def test_a_file_of_a_table_that_can_not_be_read_is_a_problem(
    tmp_path: Path, name: str, content: str | bytes, problem: str
) -> None:
    write_file(tmp_path / name, content)
    row = describe(tmp_path)[name]
    assert row["problem"].startswith(problem.format(row["path"]))
    assert row["problem"].count(". ") == 0
    assert not row["is_read"]


def test_parquet_columns_that_differ_by_case_are_a_problem(tmp_path: Path) -> None:
    table = pa.table([[1], [2], [3]], names=["person_id", "birth_year", "BIRTH_YEAR"])
    pq.write_table(table, tmp_path / "persons.parquet")
    assert "2 columns named birth_year" in describe(tmp_path)["persons.parquet"]["problem"]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    write_file(tmp_path / "elsewhere/part.csv", PERSONS)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "persons").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/again").symlink_to(tmp_path / "elsewhere")
    assert list(describe(folder)) == ["persons/part.csv"]
    (folder / "applications.csv").symlink_to(tmp_path / "nowhere.csv")
    assert "can't be read" in describe(folder)["applications.csv"]["problem"]


def test_a_path_is_what_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "project/data/persons.csv"
    write_file(file, PERSONS)
    (tmp_path / "project/x").mkdir()
    for place, project in [("project", "."), ("project/x", ".."), (".", "project")]:
        monkeypatch.chdir(tmp_path / place)
        for path in ("data", "./data/", "../project//data", f"{tmp_path}/project/x/../data"):
            (row,) = describe(path, project=project).values()
            assert (row["path"], row["opened_at"]) == ("data/persons.csv", str(file))
    assert describe(tmp_path / "absent") == {}


def test_addresses_are_listed_and_fetched(tmp_path: Path) -> None:
    content = {"s3://b/in/persons.csv": PERSONS.encode(), "s3://b/in/persons.txt": b""}
    readers = Readers(lambda path: [*content], content.__getitem__, no_remote)
    found = describe("s3://b/in", readers)
    assert found["persons.csv"]["n_records"] == 1
    assert "did you mean" in found["persons.txt"]["reason"]
    unread = describe("s3://b/in", Readers(lambda path: [*content], no_remote, no_remote))
    assert "can't be read" in unread["persons.csv"]["problem"]
    unlisted = describe("s3://b/in", Readers(no_remote, no_remote, no_remote))
    assert [row["problem"] for row in unlisted.values()] == [
        "s3://b/in can't be listed: s3://b/in/."
    ]


NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=12
).filter(lambda name: name not in (".", ".."))
STEMS = st.sampled_from(["persons", "Persons", "test_scores", "other"])
SUFFIXES = st.sampled_from([".csv", ".csv.gz", ".parquet", ".xlsx", "", ".parq", ".CSV"])


@settings(max_examples=80, deadline=None)
@given(
    paths=st.lists(st.tuples(st.lists(NAMES, max_size=3), STEMS, SUFFIXES), max_size=6),
    content=st.binary(max_size=40),
)
def test_every_file_is_one_row_that_is_read_or_says_why(
    tmp_path_factory: pytest.TempPathFactory,
    paths: list[tuple[list[str], str, str]],
    content: bytes,
) -> None:
    folder = tmp_path_factory.mktemp("in")
    written = set()
    for inner, stem, suffix in paths:
        path = folder.joinpath(stem if inner else "", *inner, stem + suffix)
        try:
            write_file(path, content)
        except OSError:  # a file stands where a folder would
            continue
        written.add(str(path))
    rows = describe(folder)
    assert {row["path"] for row in rows.values()} == written
    for row in rows.values():
        assert [row["is_read"], row["reason"] is not None, row["problem"] is not None].count(
            True
        ) == 1
