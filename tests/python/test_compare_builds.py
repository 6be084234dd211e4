"""The comparison of two builds: what differs is found, and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from compare_builds import main

ROWS = [
    ("r1", "it's", 1, 0.1, None),
    ("r1", None, 2, 1e9, [1, 2]),
    ("r1", "b", 3, float("nan"), []),
]
COLUMNS = "run_id varchar, name varchar, n integer, share double, parts integer[]"


def build(folder: Path, name: str, rows=ROWS, columns=COLUMNS, schema="marts") -> Path:
    file = folder / f"{name}.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(f'create schema {schema}; create table {schema}."a table" ({columns})')
        connection.executemany(f'insert into {schema}."a table" values (?, ?, ?, ?, ?)', rows)
        connection.execute("create schema ml; create table ml.private (name varchar)")
    return file


def changed(place: int, column: int, value: object) -> list[tuple[object, ...]]:
    rows = [list(row) for row in ROWS]
    rows[place][column] = value
    return [tuple(row) for row in rows]


def test_order_runs_schemas_and_last_bits_are_no_difference(tmp_path, capsys):
    rows = [("r2", *row[1:]) for row in reversed(changed(1, 3, 1e9 + 1e-2))]
    before = build(tmp_path, "it's before")
    assert main(before, build(tmp_path, "after", rows, schema="audit")) == 0
    assert capsys.readouterr().out == "1 of 1 marts agree.\n"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (changed(0, 1, "it is"), "name: 1 cells"),
        (changed(0, 1, None), "name: 1 cells"),
        (changed(0, 2, 0), "n: 1 cells"),
        (changed(0, 3, 0.125), "share: 1 cells, by 0.025 at most"),
        (changed(1, 3, None), "share: 1 cells"),
        (changed(1, 4, [2, 1]), "parts: 1 cells"),
        (ROWS[:2], "3 rows before, 2 after"),
    ],
)
def test_what_differs_is_told(tmp_path, capsys, rows, said):
    assert main(build(tmp_path, "before"), build(tmp_path, "after", rows)) == 1
    assert f"a table: {said}" in capsys.readouterr().out


def test_a_tolerance_may_be_given(tmp_path):
    files = build(tmp_path, "before"), build(tmp_path, "after", changed(0, 3, 0.125))
    assert main(*files, 0.1) == 0


def test_tables_and_columns_of_one_build_only_are_told(tmp_path, capsys):
    before = build(tmp_path, "before")
    other = build(tmp_path, "after", columns=COLUMNS.replace("share", "rate"))
    assert main(before, other) == 1
    assert "a table: columns ['rate', 'share']" in capsys.readouterr().out
    with duckdb.connect(str(other)) as connection:
        connection.execute('drop table marts."a table"')
    assert main(before, other) == 1
    assert "a table: in one of the builds only" in capsys.readouterr().out
