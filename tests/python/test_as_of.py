"""A build speaks for a day: what became known later changes nothing but the count of late rows.

Nor does the number of threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from warehouse import Warehouse, build, generate

AS_OF = "2026-02-20"
TABLES = [
    "persons",
    "applications",
    "stage_events",
    "test_scores",
    "education_records",
    "interactions",
    "entry_terms",
    "programs",
    "protected_attributes",
]
# Stages of applications that some systems write down on the application, without any history.
STAGE_DATES = {
    "admitted": "admitted_at",
    "denied": "denied_at",
    "deposited": "deposited_at",
    "enrolled": "enrolled_at",
    "withdrawn": "withdrawn_at",
}
APPLICATION_DATES = [
    "started_at",
    "submitted_at",
    *STAGE_DATES.values(),
    "scholarship_offered_at",
]
N_INVENTED = 40
THREADS = {"then": 1, "later": 4}
ROWS_AT_ONCE = {"then": 2_000_000, "later": 500}


def read(folder: Path) -> dict[str, pd.DataFrame]:
    return {
        table: pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False)
        for table in TABLES
    }


def write(folder: Path, tables: dict[str, pd.DataFrame]) -> Path:
    folder.mkdir()
    for table, frame in tables.items():
        frame.to_csv(folder / f"{table}.csv", index=False)
    return folder


def known_day(table: str, frame: pd.DataFrame) -> pd.Series:
    """Day on which each row became known, as text; empty where nothing dates it."""
    days = {name: frame[name].str[:10] for name in frame.columns if name.endswith(("_at", "_date"))}
    if table == "persons":
        return days["created_at"]
    if table in ("stage_events", "interactions"):
        return days["occurred_at"].combine(days["recorded_at"], max)
    if table == "test_scores":
        return days["received_at"].where(days["received_at"] != "", days["test_date"])
    if table == "education_records":
        return days["received_at"]
    if table == "applications":
        return days["started_at"].where(days["started_at"] != "", days["submitted_at"])
    return pd.Series("", index=frame.index)


def with_sparse_histories(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Leave a quarter of the applications no events: half have own dates, half a status."""
    applications, events = tables["applications"].copy(), tables["stage_events"]
    ids = applications["application_id"].unique()
    kind = pd.Series(np.arange(len(ids)) % 8, index=ids)
    own = events[events["application_id"].map(kind) == 0]
    for stage, column in STAGE_DATES.items():
        of_stage = own[own["stage"] == stage].groupby("application_id")["occurred_at"].min()
        applications[column] = applications["application_id"].map(of_stage).fillna("")
    kept = events[~events["application_id"].map(kind).isin([0, 1])]
    return tables | {"applications": applications, "stage_events": kept}


def status_on_the_day(applications: pd.DataFrame, histories: pd.DataFrame) -> pd.Series:
    """Say in which stage each application was on the day, by its whole history."""
    days = known_day("stage_events", histories)
    known = histories.assign(day=days)[days <= AS_OF].sort_values("day", kind="stable")
    stages = applications["application_id"].map(known.groupby("application_id")["stage"].last())
    has_moved = applications["application_id"].isin(histories["application_id"][days > AS_OF])
    return applications["current_stage"].mask(has_moved, stages.fillna("started"))


def truncated(tables: dict[str, pd.DataFrame], histories: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Make what an export on the day would have held."""
    kept = {
        table: frame[~(known_day(table, frame) > AS_OF)].copy() for table, frame in tables.items()
    }
    applications = kept["applications"]
    applications["current_stage"] = status_on_the_day(applications, histories)
    for name in APPLICATION_DATES:
        is_later = applications[name].str[:10] > AS_OF
        applications.loc[is_later, name] = ""
        if name == "scholarship_offered_at":
            applications.loc[is_later, "scholarship_offer_amount"] = ""
    return kept


def with_invented(tables: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """Add rows from after the day, on people of the export and on people nobody knew."""
    rng = np.random.default_rng(seed)
    grown = {}
    for table, frame in tables.items():
        rows = frame.sample(N_INVENTED, replace=True, random_state=seed).copy()
        for name in rows.columns[rows.columns.str.endswith(("_at", "_date"))]:
            days = rng.integers(1, 900, N_INVENTED).astype("timedelta64[D]")
            rows[name] = (np.datetime64(AS_OF) + days).astype(str)
        keys = {"test_scores": "score_id", "education_records": "education_id"}
        key = keys.get(table, f"{table[:-1]}_id")
        if key in rows:
            rows[key] = [f"late-{table}-{number}" for number in range(N_INVENTED)]
        if table in ("programs", "protected_attributes"):
            rows = rows[:0]
        if table == "applications":
            rows["scholarship_offered_at"] = rows["deposited_at"] = "2025-12-01"
        if table == "entry_terms":
            rows = rows[:1].assign(
                entry_term="2031 Fall", opens_on="2026-02-21", census_on="2031-09-01"
            )
        grown[table] = pd.concat([frame, rows], ignore_index=True)
    return grown


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, Warehouse]:
    """Build the export of the day, and the later one with invented rows, for the same day.

    One has one thread, and joins all rows at once; the other has four, and joins in parts.
    """
    folder = tmp_path_factory.mktemp("as_of")
    made = read(generate(folder / "made", "--persons", "900", "--seed", "5"))
    tables = with_sparse_histories(made)
    histories = made["stage_events"]
    inputs = {"then": truncated(tables, histories), "later": with_invented(tables, seed=3)}
    with ThreadPoolExecutor(2) as pool:
        builds = [
            pool.submit(
                build,
                folder / f"build_{name}",
                write(folder / name, found),
                threads=THREADS[name],
                rows_at_once=ROWS_AT_ONCE[name],
                as_of=AS_OF,
            )
            for name, found in inputs.items()
        ]
    return builds[0].result(), builds[1].result()


def comparable(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    marts = warehouse.marts()
    # Counts of late rows are what may differ.
    del marts["dq_timeliness"]
    # The files hold what became known since.
    del marts["dq_input_files"]
    marts["dq_build_summary"] = [row for row in marts["dq_build_summary"] if "input" not in row]
    marts["dq_diverted_rows"] = [
        row for row in marts["dq_diverted_rows"] if "after_as_of" not in row
    ]
    # A term to come is in the calendar already, and the file is counted as it is.
    marts["dq_reconciliation"] = [
        row for row in marts["dq_reconciliation"] if "input" not in row and "entry_terms" not in row
    ]
    marts["dq_capabilities"] = [
        row
        for row in marts["dq_capabilities"]
        if not {"entry_terms", "applications.scholarship_offer_amount"} & set(row)
        and not any(str(value).startswith("entry_terms.") for value in row)
    ]
    # Names of files, which lie in different folders.
    return {
        table: [tuple(without_folder(value) for value in row) for row in rows]
        for table, rows in marts.items()
    }


def without_folder(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("/then/", "/input/").replace("/later/", "/input/")


def test_moving_the_day_back_gives_what_was_built_then_on_any_number_of_threads(
    builds: tuple[Warehouse, Warehouse],
) -> None:
    then, later = (comparable(warehouse) for warehouse in builds)
    assert set(then) == set(later)
    different = {
        table: sorted(set(map(repr, rows)) ^ set(map(repr, later[table])))[:4]
        for table, rows in then.items()
        if rows != later[table]
    }
    assert different == {}
    assert len(then["fct_applicant_personas"]) > 300
    assert len(then["fct_enrollment_scores"]) > 50
    # Run ids are digests of data, settings and versions.
    runs = "select run_id from marts.fct_model_runs order by 1"
    assert builds[0].column(runs) == builds[1].column(runs)


def test_late_rows_are_counted(builds: tuple[Warehouse, Warehouse]) -> None:
    query = "select table_name, n_after_as_of from data_quality.dq_timeliness order by 1"
    then, later = (dict(w.frame(query).itertuples(index=False)) for w in builds)
    assert set(then.values()) == {0}
    dated = {"persons", "applications", "stage_events", "test_scores", "interactions"}
    assert all(later[table] >= N_INVENTED for table in dated)
    unbalanced = "select count(*) from data_quality.dq_reconciliation where not balanced"
    assert [warehouse.column(unbalanced) for warehouse in builds] == [[0], [0]]
