"""Whether the intervals of headcounts hold what they promise, on generated applicants.

Builds each sample up to `rpt_headcount_backtest` and puts all back-tested cycles together:
`python benchmarks/headcount_coverage.py --persons 4000 --seeds 1 2 3 4 5 6 7 8 9 10`. Five cycles a
sample: three are back-tested, on five days each.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import duckdb
import pandas as pd
from processes import arguments, dbt, ready, run, tool

MART = "rpt_headcount_backtest"
NO_TESTS = ("--exclude-resource-type", "test", "unit_test")


def backtest(folder: Path, persons: int, seed: int) -> pd.DataFrame:
    """Build one sample and return the published rows of its back-test."""
    files = folder / f"headcount_{persons}_{seed}"
    if not files.exists():
        options = ["--persons", str(persons), "--seed", str(seed), "--cycles", "5"]
        run(tool("applicant-personas"), "sample", str(files), *options, "--format", "parquet")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        place = Path(scratch)
        dbt("build", place, files, "--threads", "2", "--select", f"+{MART}", *NO_TESTS)
        with duckdb.connect(str(place / "warehouse.duckdb"), read_only=True) as connection:
            rows = connection.sql(f"select * from marts.{MART} where not is_suppressed").df()
    return rows.assign(seed=seed)


def summary(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Coverage and median absolute miss, one row a group."""
    return (
        rows.assign(absolute_miss=rows["miss"].abs())
        .groupby(by)
        .agg(
            n=("actual", "size"),
            coverage_80=("inside_80", "mean"),
            coverage_95=("inside_95", "mean"),
            median_miss=("miss", "median"),
            median_absolute_miss=("absolute_miss", "median"),
        )
        .round(3)
    )


def options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.set_defaults(persons=4_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(1, 11)))
    return parser.parse_args()


def main() -> None:
    given = options()
    folder = ready(given.folder)
    rows = pd.concat([backtest(folder, given.persons, seed) for seed in given.seeds])
    print(summary(rows, ["breakdown"]).to_string())
    print(summary(rows, ["breakdown", "days_to_census"]).to_string())
    print(summary(rows[rows["breakdown"] == "phase"], ["breakdown_value"]).to_string())


if __name__ == "__main__":
    main()
