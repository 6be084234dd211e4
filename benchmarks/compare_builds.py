"""Whether two builds of the same input gave the same marts, cell by cell.

`python benchmarks/compare_builds.py BEFORE.duckdb AFTER.duckdb` compares every public table, in
whichever schema it is, apart from what names the run. Numbers agree when they differ by a
billionth of their size at most, or by what a third argument says: sums of doubles may be added in
another order. Prints a line for each column that differs, with how many cells and the largest
difference, and fails then. A million persons take about a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

OF_THE_RUN = {"run_id", "first_run_id", "last_run_id", "fitted_at"}
OF_THE_RUN |= {"invocation_id", "started_at", "ended_at"}
TOLERANCE = 1e-9

# The columns of a table with their types, by name.
Columns = dict[str, str]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def tables(connection: duckdb.DuckDBPyConnection, build: str) -> dict[str, tuple[str, Columns]]:
    """Find the public tables of a build by name: where each is, and its columns."""
    query = (
        "select table_name, table_schema, column_name, data_type from information_schema.columns"
        " where table_catalog = $1 and table_schema in ('marts', 'data_quality', 'audit')"
        " order by column_name"
    )
    found: dict[str, tuple[str, Columns]] = {}
    for table, schema, column, kind in connection.execute(query, [build]).fetchall():
        place = ".".join(map(quoted, (build, schema, table)))
        columns = found.setdefault(table, (place, {}))[1]
        if column not in OF_THE_RUN:
            columns[column] = kind
    return found


def differences(
    connection: duckdb.DuckDBPyConnection,
    before: tuple[str, Columns],
    after: tuple[str, Columns],
    tolerance: float = TOLERANCE,
) -> list[str]:
    """Say what differs between two tables, column by column."""
    (one, columns), (other, others) = before, after
    if set(columns) != set(others):
        return [f"columns {sorted(set(columns) ^ set(others))}"]
    n_one, n_other = (
        connection.execute(f"select count(*) from {place}").fetchall()[0][0]
        for place in (one, other)
    )
    if n_one != n_other:
        return [f"{n_one:,} rows before, {n_other:,} after"]
    doubles = [name for name in columns if {columns[name], others[name]} == {"DOUBLE"}]
    exact = [name for name in columns if name not in doubles]
    measures = []
    for name in map(quoted, columns):
        gap = f"abs(one.{name} - other.{name})"
        differs = f"one.{name} is distinct from other.{name}"
        if name in map(quoted, doubles):
            differs += f" and coalesce({gap} > {tolerance} * (1 + abs(other.{name})), true)"
        else:
            gap = "cast(null as double)"
        measures.append(
            f"(count(case when {differs} then 1 end),"
            f" max(case when {differs} and not isnan({gap}) then {gap} end))"
        )
    query = (
        f"select {', '.join(measures)} from ({in_order(one, exact, doubles)}) as one"
        f" positional join ({in_order(other, exact, doubles)}) as other"
    )
    found = []
    for name, (n, largest) in zip(columns, connection.execute(query).fetchall()[0], strict=True):
        if n:
            found.append(
                f"{name}: {n:,} cells" + (f", by {largest:.3g} at most" if largest else "")
            )
    return found


def in_order(place: str, exact: list[str], doubles: list[str]) -> str:
    """Select the rows of a table in the order of all that is no double, and that as text."""
    texts = [f"cast({quoted(name)} as varchar) as {quoted(name)}" for name in exact]
    order = [*map(quoted, exact), *(f"round({quoted(name)}, 6)" for name in doubles)]
    return (
        f"select {', '.join([*texts, *map(quoted, doubles)])} from {place}"
        f" order by {', '.join(order)}"
    )


def main(before: Path, after: Path, tolerance: float = TOLERANCE) -> int:
    with duckdb.connect() as connection:
        for build, file in (("before", before), ("after", after)):
            connection.execute(
                f"attach '{str(file).replace(chr(39), chr(39) * 2)}' as {build} (read_only)"
            )
        one, other = tables(connection, "before"), tables(connection, "after")
        shared = sorted(one.keys() & other.keys())
        n_same = 0
        for name in shared:
            lines = differences(connection, one[name], other[name], tolerance)
            n_same += not lines
            for line in lines:
                print(f"{name}: {line}", flush=True)
    only_one = sorted(one.keys() ^ other.keys())
    for name in only_one:
        print(f"{name}: in one of the builds only")
    print(f"{n_same} of {len(shared) + len(only_one)} marts agree.")
    return int(n_same < len(shared) + len(only_one))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), *map(float, sys.argv[3:])))
