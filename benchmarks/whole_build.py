"""What the whole `dbt build` costs beside a notebook that does a fraction of it.

`make bench` or `python benchmarks/whole_build.py --persons 10000 100000 1000000 --runs 3`: for each
size the input is generated once; then the whole build with all data tests and `notebook.py` run in
turn, each in a process of its own on the same Parquet files. Prints seconds, CPU seconds, peak
memory (medians over the runs, with ratios), the models that take longest, and what either
finds: AUC on the last closed cycle and the adjusted Rand index of personas, on the applications
that both judge. Writes tables and pictures to docs/benchmarks.md. `--only-build` leaves the
notebook out, where its memory would not do.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
from processes import ROOT, Cost, dbt, generate, model_seconds, ready, run
from sklearn.metrics import adjusted_rand_score, roc_auc_score

NOTEBOOK = Path(__file__).with_name("notebook.py")
REPORT = ROOT / "docs/benchmarks.md"
LONGEST = 20
OURS = """
    select at_risk.application_id, predictions.likelihood
    from ml.ml_at_risk as at_risk
    inner join ml.ml_enrollment_predictions as predictions using (phase, application_id, known_on)
    where at_risk.is_enrollment_day and at_risk.is_standing and at_risk.outcome is not null
        and predictions.score_kind = 'out_of_sample'
"""


@dataclass(frozen=True)
class Measured:
    """What the runs of one size cost and found."""

    persons: int
    build: Cost
    notebook: Cost | None
    quality: pd.DataFrame | None
    seconds: dict[str, float]
    scan_rows_per_second: float


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        *(statistics.median(getattr(c, n) for c in costs) for n in ("wall", "cpu", "megabytes"))
    )


def measure(folder: Path, persons: int, runs: int, with_notebook: bool) -> Measured:
    """Build and run the notebook in turn, in fresh processes and places."""
    files = generate(folder, persons)
    builds, notebooks, quality = [], [], None
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        place = Path(scratch)
        for number in range(runs):
            warehouse = place / f"build_{number}"
            builds.append(dbt("build", warehouse, files, "--exclude-resource-type", "unit_test"))
            print(f"{persons:>10,} persons, build    {builds[-1]}", flush=True)
            if with_notebook:
                output = place / f"notebook_{number}"
                notebooks.append(run_notebook(files, output))
                print(f"{persons:>10,} persons, notebook {notebooks[-1]}", flush=True)
                quality = compared(warehouse / "warehouse.duckdb", output, files)
        seconds = model_seconds(warehouse)
        scanned = scan(files)
    notebook = median(notebooks) if notebooks else None
    return Measured(persons, median(builds), notebook, quality, seconds, scanned)


def run_notebook(files: Path, output: Path) -> Cost:
    return run(sys.executable, str(NOTEBOOK), str(files), str(output))


def scan(files: Path) -> float:
    """Rows that the engine alone reads in a second of all tables, every column looked at."""
    n_rows, started = 0, time.perf_counter()
    with duckdb.connect() as connection:
        for table in ("persons", "applications", "stage_events", "test_scores", "interactions"):
            place = files / table
            source = f"{place}/*.parquet" if place.is_dir() else f"{place}.parquet"
            found = connection.execute(
                f"select count(*), max(columns(*)) from read_parquet('{source}')"
            ).fetchone()
            assert found is not None
            n_rows += found[0]
    return n_rows / (time.perf_counter() - started)


def compared(warehouse: Path, notebook: Path, files: Path) -> pd.DataFrame:
    """Judge both on the same applications: of the last closed cycle, and with an archetype."""
    scores = pd.read_parquet(notebook / "scores.parquet")
    labels = pd.read_parquet(notebook / "personas.parquet")
    truth = pd.read_csv(files / "truth/persons.csv")[["person_id", "archetype"]]
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        likelihood = connection.execute(OURS).df()
        personas = connection.execute(
            "select person_id, entry_term, persona_key from marts.fct_applicant_personas"
        ).df()
    judged = scores.merge(likelihood, on="application_id")
    labeled = labels.drop_duplicates(["person_id", "entry_term"]).merge(truth, on="person_id")
    labeled = labeled.merge(personas, on=["person_id", "entry_term"])
    y = judged["enrolled_later"]
    found = {
        "AUC, last closed cycle": (
            roc_auc_score(y, judged["likelihood"]),
            roc_auc_score(y, judged["probability"]),
            len(judged),
        ),
        "ARI of personas": (
            adjusted_rand_score(labeled["archetype"], labeled["persona_key"]),
            adjusted_rand_score(labeled["archetype"], labeled["persona"]),
            len(labeled),
        ),
    }
    return pd.DataFrame(found, index=["dbt build", "notebook", "applications"]).T


def report(measured: list[Measured], runs: int) -> str:
    """Write the tables of docs/benchmarks.md."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; what it says is in [scaling.md](scaling.md). The whole",
        "`dbt build` with all data tests, and [a notebook](../benchmarks/notebook.py) that does a",
        f"fraction of it, on the same Parquet files: medians of {runs} run(s), each a process of",
        "its own, in turn.",
        f"Machine: {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}.",
        "",
        "| persons | | wall s | CPU s | peak GB | persons per s |",
        "|---|---|---|---|---|---|",
    ]
    for one in measured:
        for name, cost in (("dbt build", one.build), ("notebook", one.notebook)):
            if cost:
                lines.append(
                    f"| {one.persons:,} | {name} | {cost.wall:.1f} | {cost.cpu:.1f}"
                    f" | {cost.megabytes / 1024:.2f} | {one.persons / cost.wall:,.0f} |"
                )
        if one.notebook:
            ratio = (
                one.build.wall / one.notebook.wall,
                one.build.cpu / one.notebook.cpu,
                one.build.megabytes / one.notebook.megabytes,
            )
            lines.append(
                f"| {one.persons:,} | ratio | " + " | ".join(f"{r:.2f}" for r in ratio) + " | |"
            )
    lines.append("")
    lines += ["Bars are the build, the line is the notebook.", ""]
    lines += picture(measured, "Seconds", lambda cost: cost.wall)
    lines += picture(measured, "Gigabytes at the peak", lambda cost: cost.megabytes / 1024)
    for one in measured:
        lines += [f"## {one.persons:,} persons", ""]
        if one.quality is not None:
            lines += ["| | dbt build | notebook | applications |", "|---|---|---|---|"]
            for name, row in one.quality.iterrows():
                lines.append(
                    f"| {name} | {row.iloc[0]:.3f} | {row.iloc[1]:.3f} | {row.iloc[2]:,.0f} |"
                )
            lines.append("")
        lines += [
            f"A bare scan of the tables reads {one.scan_rows_per_second / 1e6:.1f} million rows a",
            "second. Longest models (seconds by the clock, side by side with others):",
            "",
            "| node | s |",
            "|---|---|",
        ]
        longest = sorted(one.seconds.items(), key=lambda item: -item[1])[:LONGEST]
        lines += [f"| {name} | {value:.1f} |" for name, value in longest]
        lines.append(
            f"| the other {max(0, len(one.seconds) - LONGEST)} | "
            f"{sum(one.seconds.values()) - sum(v for _, v in longest):.1f} |"
        )
        lines.append("")
    return "\n".join(lines)


def picture(measured: list[Measured], title: str, value: Callable[[Cost], float]) -> list[str]:
    """Draw bars of the build and a line of the notebook, as a chart that Markdown viewers show."""
    sizes = ", ".join(f'"{one.persons:,}"' for one in measured)
    lines = ["```mermaid", "xychart-beta", f'    title "{title}"', f"    x-axis [{sizes}]"]
    lines.append("    bar [" + ", ".join(f"{value(one.build):.2f}" for one in measured) + "]")
    if all(one.notebook for one in measured):
        told = ", ".join(f"{value(one.notebook):.2f}" for one in measured if one.notebook)
        lines.append(f"    line [{told}]")
    return [*lines, "```", ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "personas")
    parser.add_argument("--only-build", action="store_true", help="leave the notebook out")
    given = parser.parse_args()
    folder = ready(given.folder)
    measured = []
    for persons in given.persons:
        measured.append(measure(folder, persons, given.runs, not given.only_build))
        # At once, so that a larger size that fails takes nothing of it away.
        REPORT.write_text(report(measured, given.runs))
    print(REPORT.read_text())


if __name__ == "__main__":
    main()
