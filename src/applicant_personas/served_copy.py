"""The served copy: the marts as readers open them, put in place of the last copy as a whole.

Beside the project's working database, which a build has for itself, lies what readers open:
`personas.duckdb`, `parquet/<run>/<mart>.parquet`, and `manifest.json`, which names the current run.
A set is written under names that nobody reads and then renamed, so a reader finds the old or the
new one, whole, whenever a build is killed. It knows DuckDB and no more.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

DATABASE = "personas.duckdb"
MANIFEST = "manifest.json"
PARQUET = "parquet"
# What a set is written as before it is one.
UNFINISHED = ".personas-"
# Clients of this version of DuckDB and later open the file.
STORAGE = "v1.2.0"
DECIMALS = 4
# Runs begin with their time: nothing else in the folder is ever removed.
RUNS = "????????T??????-*"
# Columns that tell of a single person or record.
OF_ONE = ("person_id", "application_id", "row_key", "example_key", "raw_text")

# The five questions, each a view of the copy.
QUESTIONS = {
    "who_are_our_applicants": (
        "dim_personas",
        "The personas with their size and what marks them.",
        "select persona_key, persona_name, description, n_applicants, share, stability, top_traits"
        " from marts.dim_personas where is_active order by persona_key",
    ),
    "which_persona_is_each_applicant": (
        "fct_applicant_personas",
        "Everyone's persona, why, and how clear it is.",
        "select person_id, entry_term, persona_name, confidence, second_persona_name, is_mixed,"
        " trait_1, trait_2, trait_3 from marts.fct_applicant_personas",
    ),
    "how_many_of_each_persona_enroll": (
        "rpt_persona_enrollment",
        "Expected beside actual enrollments of each persona, over all phases.",
        "select entry_term, persona_name, is_open, n_population, expected_enrollments,"
        " expected_rate, actual_enrollments, actual_rate, actual_rate_low, actual_rate_high"
        " from marts.rpt_persona_enrollment where phase = 'all' and not is_suppressed"
        " order by entry_term, expected_enrollments desc",
    ),
    "how_likely_is_each_application": (
        "fct_enrollment_scores",
        "The likelihood of each open application, with its reasons: for outreach, not admission.",
        "select application_id, person_id, entry_term, program_name, phase, persona_name,"
        " probability, band, reason_1, reason_2, reason_3 from marts.fct_enrollment_scores"
        " where outcome is null",
    ),
    "what_drives_enrollment": (
        "rpt_feature_importance",
        "What matters for enrollment, for everyone and within each persona; association only.",
        "select phase, scope_label, feature_label, importance_rank, importance, importance_low,"
        " importance_high, direction, beats_noise from marts.rpt_feature_importance"
        " where target <> 'persona' and not is_block and not is_noise_control"
        " order by phase, scope_label, importance_rank",
    ),
}


@dataclass(frozen=True)
class Mart:
    """A public model: where it is, its schema and name in the copy, and what its columns are."""

    relation: str
    schema: str
    name: str
    description: str
    columns: Mapping[str, str]

    @classmethod
    def of_node(cls, node: Mapping[str, Any]) -> Mart:
        """Read it from its node in dbt's manifest."""
        return cls(
            relation=node["relation_name"],
            schema=node["config"]["schema"],
            name=node["name"],
            description=node["description"].strip(),
            columns={
                name: column["description"].strip() for name, column in node["columns"].items()
            },
        )


def publish(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    marts: Iterable[Mart],
    run: str,
    feature_labels: str | None = None,
    **facts: Any,
) -> None:
    """Put a copy of the marts in place of the one in the folder.

    `run` names the set and is new; `feature_labels` is a relation with `feature` and `label`;
    `facts` of the build, such as `min_cell`, are in the manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    previous = read_manifest(folder)
    sweep(folder, {previous.get("run")})
    database = folder / f"{UNFINISHED}{run}.duckdb"
    parquet = folder / PARQUET / run
    parquet.mkdir(parents=True)
    originals = {mart.name: mart for mart in marts}
    words = words_of(originals, feature_labels)
    with served(connection, database) as cursor:
        copied = [copied_mart(cursor, mart, words) for _, mart in sorted(originals.items())]
        for mart in copied:
            write_parquet(cursor, mart, parquet)
        add_views(cursor, {mart.name for mart in copied})
        manifest = facts | described(cursor, copied, run)
        is_previous_kept = "run" in previous and not tells_of_others(cursor, copied, folder)
    # Readers only: whoever opened the copy to write would lock the others out.
    database.chmod(0o444)
    make_durable([database, *parquet.iterdir()])
    (folder / f"{DATABASE}.wal").unlink(missing_ok=True)
    database.replace(folder / DATABASE)
    unfinished = folder / f"{UNFINISHED}{run}.json"
    unfinished.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    make_durable([unfinished])
    unfinished.replace(folder / MANIFEST)
    sweep(folder, {run, previous["run"] if is_previous_kept else run})


def read_manifest(folder: Path) -> dict[str, Any]:
    """Give what the manifest of the folder says; nothing where there is none."""
    file = folder / MANIFEST
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}


def sweep(folder: Path, kept: set[str | None]) -> None:
    """Remove what broken-off runs left, and all Parquet but that of the runs kept."""
    for file in folder.glob(f"{UNFINISHED}*"):
        file.unlink()
    for run in (folder / PARQUET).glob(RUNS):
        if run.name not in kept:
            shutil.rmtree(run)


@contextmanager
def served(
    connection: duckdb.DuckDBPyConnection, database: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a cursor whose own database is the new file, which is whole when it is done."""
    cursor = connection.cursor()
    home = cursor.execute("select current_database()").fetchall()[0][0]
    cursor.execute(f"attach {text(str(database))} as served (storage_version {text(STORAGE)})")
    try:
        cursor.execute("use served.main; begin")
        yield cursor
        cursor.execute("commit")
    except BaseException:
        cursor.execute("rollback")
        raise
    finally:
        cursor.execute(f"use {name(home)}")
        cursor.execute("detach served")
        cursor.close()


def words_of(marts: Mapping[str, Mart], feature_labels: str | None) -> dict[str, str]:
    """Give the SQL that looks up the words of a code, by kind of code; null where nothing tells."""
    found = {"persona": "null", "program": "null", "feature": "null", "run": "null"}
    if "dim_personas" in marts:
        found["persona"] = (
            f"(select persona_name from {marts['dim_personas'].relation} where persona_key = {{}})"
        )
    if "dim_programs" in marts:
        found["program"] = (
            f"(select program_name from {marts['dim_programs'].relation} where program_code = {{}})"
        )
    if feature_labels:
        found["feature"] = f"(select label from {feature_labels} where feature = {{}})"
    if "fct_model_runs" in marts:
        found["run"] = (
            f"(select status <> 'replaced' from {marts['fct_model_runs'].relation} as runs"
            " where runs.run_id = {})"
        )
    return found


def added(column: str, words: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Give what stands after a column of codes: its name, its meaning, and SQL with {} the code."""
    if column.endswith("persona_key"):
        name_column = column.removesuffix("key") + "name"
        return name_column, f"Name of {column}, from dim_personas.", words["persona"]
    if column == "program_code":
        return "program_name", "Name of the program, from dim_programs.", words["program"]
    if column == "feature":
        meaning = "The feature in words, from the feature catalog."
        return "feature_label", meaning, f"coalesce({words['feature']}, replace({{}}, '_', ' '))"
    if column in ("scope", "slice_value", "breakdown_value"):
        meaning = f"{column} in words, where it is the key of a persona or program."
        label = column.removesuffix("_value") + "_label"
        return label, meaning, f"coalesce({words['persona']}, {words['program']}, {{}})"
    if column == "run_id":
        return "is_latest", "The run is in use; no later fit replaced it.", words["run"]
    return None


def copied_mart(cursor: duckdb.DuckDBPyConnection, mart: Mart, words: Mapping[str, str]) -> Mart:
    """Copy one mart, rounded and with words beside codes; returns it with its columns."""
    table = f"{name(mart.schema)}.{name(mart.name)}"
    types = cursor.execute(f"describe {mart.relation}").fetchall()
    columns, chosen = {}, []
    taken = {column for column, *_ in types}
    for column, kind, *_ in types:
        value = f"mart.{name(column)}"
        rounded = f"round({value}, {DECIMALS}) as {name(column)}"
        chosen.append(rounded if kind == "DOUBLE" else value)
        columns[column] = mart.columns.get(column, "")
        label, meaning, lookup = added(column, words) or (column, "", "")
        if label not in taken and not (label == "feature_label" and "label" in taken):
            chosen.append(f"{lookup.replace('{}', value)} as {name(label)}")
            columns[label] = meaning
    # Facts are many and read by key; what people look at comes in its order.
    order = "" if mart.name.startswith("fct_") else "order by all"
    cursor.execute(f"create schema if not exists {name(mart.schema)}")
    cursor.execute(
        f"create table {table} as select {', '.join(chosen)} from {mart.relation} as mart {order}"
    )
    cursor.execute(f"comment on table {table} is {text(mart.description)}")
    for column, meaning in columns.items():
        cursor.execute(f"comment on column {table}.{name(column)} is {text(meaning)}")
    return replace(mart, relation=table, columns=columns)


def write_parquet(cursor: duckdb.DuckDBPyConnection, mart: Mart, folder: Path) -> None:
    """Write a mart of the copy as a file that holds its description and its columns'."""
    told = {"description": mart.description, "columns": json.dumps(dict(mart.columns))}
    metadata = ", ".join(f"{key}: {text(value)}" for key, value in told.items())
    cursor.execute(
        f"copy {mart.relation} to {text(str(folder / (mart.name + '.parquet')))}"
        f" (format parquet, compression zstd, kv_metadata {{{metadata}}})"
    )


def add_views(cursor: duckdb.DuckDBPyConnection, marts: Collection[str]) -> None:
    """Add the views that answer the five questions, where their marts are there."""
    for view, (mart, meaning, query) in QUESTIONS.items():
        if mart in marts:
            cursor.execute(f"create view main.{view} as {query}")
            cursor.execute(f"comment on view main.{view} is {text(meaning)}")


def described(cursor: duckdb.DuckDBPyConnection, marts: Iterable[Mart], run: str) -> dict[str, Any]:
    """Give the manifest of a set: the run, its day, and the file and rows of each mart."""
    tables = {
        mart.name: {
            "schema": mart.schema,
            "path": f"{PARQUET}/{run}/{mart.name}.parquet",
            "rows": cursor.execute(f"select count(*) from {mart.relation}").fetchall()[0][0],
        }
        for mart in marts
    }
    return {
        "run": run,
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": DATABASE,
        "tables": tables,
    }


def tells_of_others(cursor: duckdb.DuckDBPyConnection, marts: Iterable[Mart], folder: Path) -> bool:
    """Whether the set before tells of people or records that are in this one no more.

    It is not kept then: who asked to be erased is in no table after the next build.
    """
    previous = read_manifest(folder)["tables"]
    files = [folder / facts["path"] for facts in previous.values()]
    for column in OF_ONE:
        then = [
            f"select {column} from read_parquet({text(str(file))})"
            for file in files
            if file.is_file() and column in parquet_columns(cursor, file)
        ]
        now = [f"select {column} from {mart.relation}" for mart in marts if column in mart.columns]
        if then and (
            not now
            or cursor.execute(
                f"select 1 from ({' union all '.join(then)}) as previous where {column} is not null"
                f" and {column} not in (select {column} from ({' union all '.join(now)}) as present"
                f" where {column} is not null) limit 1"
            ).fetchall()
        ):
            return True
    return False


def parquet_columns(cursor: duckdb.DuckDBPyConnection, file: Path) -> set[str]:
    """List the columns of a Parquet file."""
    described = cursor.execute(f"describe from read_parquet({text(str(file))})").fetchall()
    return {column for column, *_ in described}


def make_durable(files: Iterable[Path]) -> None:
    """Have the files on disk before a name is given to them."""
    for file in files:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())


def name(of: str) -> str:
    """Quote a name for SQL."""
    return '"' + of.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a text for SQL."""
    return "'" + value.replace("'", "''") + "'"
