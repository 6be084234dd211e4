"""Whether two builds of the same input gave the same marts, cell by cell.

`python benchmarks/compare_builds.py BEFORE.duckdb AFTER.duckdb` compares every public table, in
whichever schema it is, apart from what names the run. Numbers agree when they differ by a
billionth of their size at most, or by what a third argument says: sums of doubles may be added in
another order. Prints a line for each table that differs, with how many cells of which columns and
the largest difference, and fails then.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

OF_THE_RUN = ["run_id", "first_run_id", "last_run_id", "fitted_at"]
OF_THE_RUN += ["invocation_id", "started_at", "ended_at"]
TOLERANCE = 1e-9


def tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Find the public tables by name."""
    query = (
        "select table_name, table_schema || '.' || table_name from information_schema.tables"
        " where table_schema in ('marts', 'data_quality', 'audit')"
    )
    return dict(connection.execute(query).fetchall())


def read(connection: duckdb.DuckDBPyConnection, table: str) -> pd.DataFrame:
    """Read a mart, rows in the order of all that is not a double."""
    frame = connection.execute(f"select * from {table}").df()
    frame = frame[sorted(set(frame) - set(OF_THE_RUN))]
    exact = [name for name in frame if not pd.api.types.is_float_dtype(frame[name])]
    inexact = [name for name in frame if name not in exact]
    by = frame[exact].map(str).assign(**{name: frame[name].round(6) for name in inexact})
    order = by.sort_values([*exact, *inexact], kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def differences(
    before: pd.DataFrame, after: pd.DataFrame, tolerance: float = TOLERANCE
) -> list[str]:
    """Say what differs between two tables, column by column."""
    if list(before) != list(after):
        return [f"columns {sorted(set(before) ^ set(after))}"]
    if len(before) != len(after):
        return [f"{len(before):,} rows before, {len(after):,} after"]
    found = []
    for name in before:
        one, other = before[name], after[name]
        if pd.api.types.is_float_dtype(one) and pd.api.types.is_float_dtype(other):
            one, other = one.to_numpy(), other.to_numpy()
            is_same = np.isclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True)
            if not is_same.all():
                largest = np.nanmax(np.abs(one - other))
                found.append(f"{name}: {np.sum(~is_same):,} cells, by {largest:.3g} at most")
        else:
            n_other = int((one.map(str) != other.map(str)).sum())
            if n_other:
                found.append(f"{name}: {n_other:,} cells")
    return found


def main(before: Path, after: Path, tolerance: float = TOLERANCE) -> int:
    with (
        duckdb.connect(str(before), read_only=True) as one,
        duckdb.connect(str(after), read_only=True) as other,
    ):
        before_at, after_at = tables(one), tables(other)
        shared = sorted(before_at.keys() & after_at.keys())
        only_one = sorted(before_at.keys() ^ after_at.keys())
        found = {
            name: differences(read(one, before_at[name]), read(other, after_at[name]), tolerance)
            for name in shared
        }
    for name in only_one:
        print(f"{name}: in one of the builds only")
    for name, lines in found.items():
        for line in lines:
            print(f"{name}: {line}")
    n_same = sum(not lines for lines in found.values())
    print(f"{n_same} of {len(shared) + len(only_one)} marts agree.")
    return int(n_same < len(shared) + len(only_one))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), *map(float, sys.argv[3:])))
