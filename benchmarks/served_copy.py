"""Readers of the served copy while it is renewed, and builds that are killed.

    served_copy.py --renewals 50 --kills 100    # the last step alone, on small tables
    served_copy.py --builds 5 --build-kills 10  # whole builds of the sample

A reader opens the copy over and over, the database and a set of Parquet, and looks for a table of
another version than the rest. What is killed with SIGKILL, at a random moment, must leave a whole
copy, and the next one must go through. Ends with 1 if anything was amiss.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import duckdb
from processes import ROOT, tool

from applicant_personas.served_copy import DATABASE, Mart, publish, read_manifest

TABLES = ("dim_one", "fct_two", "rpt_three")
N_ROWS = 20_000


def renew(folder: Path, n: int) -> bool:
    """Publish tables of n versions, one version after the other."""
    first = time.time_ns()
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        for version in range(first, first + n):
            for table in TABLES:
                connection.execute(
                    f"create or replace table marts.{table} as select {version} as version,"
                    " 'P' || i as person_id, i / 7 as value"
                    f" from range({N_ROWS}) as t (i)"
                )
            marts = [
                Mart(f"memory.marts.{table}", schema, f"{table}_of_{schema}", "A table.", {})
                for table in TABLES
                for schema in ("marts", "audit")
            ]
            publish(connection, folder, marts, f"20260101T000000-{version}")
    return True


def versions(connection: duckdb.DuckDBPyConnection, sources: list[str]) -> set[int]:
    union = " union all ".join(f"select distinct version from {source}" for source in sources)
    return {row[0] for row in connection.execute(union).fetchall()}


def read_versions(folder: Path) -> list[set[int]]:
    """Read all tables, of the database and of Parquet: one version each if they are whole."""
    with duckdb.connect(str(folder / DATABASE), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables()")
        found = [versions(connection, [f"{schema}.{name}" for schema, name in tables.fetchall()])]
    with duckdb.connect() as connection:
        tables = read_manifest(folder)["tables"]
        files = [f"'{folder / facts['path']}'" for facts in tables.values()]
        found.append(versions(connection, files))
    return found


def read_build(folder: Path) -> list[set[str]]:
    """Read the status of the build that the database is of, and that of Parquet."""
    query = "select invocation_id || ' ' || status from"
    with duckdb.connect(str(folder / DATABASE), read_only=True) as connection:
        schema = "select schema_name from duckdb_tables() where table_name = 'dq_build_status'"
        place = connection.execute(schema).fetchall()[0][0]
        found = [connection.execute(f"{query} {place}.dq_build_status").fetchall()]
        rows = dict(
            connection.execute(
                "select table_name, estimated_size from duckdb_tables() where not internal"
            ).fetchall()
        )
    manifest = read_manifest(folder)["tables"]
    with duckdb.connect() as connection:
        file = folder / manifest["dq_build_status"]["path"]
        found.append(connection.execute(f"{query} '{file}'").fetchall())
        for facts in manifest.values():
            count = f"select count(*) from '{folder / facts['path']}'"
            assert connection.execute(count).fetchall()[0][0] == facts["rows"], facts
    assert set(rows) == set(manifest)
    return [{row[0] for row in rows if row[0].endswith(" complete")} for rows in found]


def read_while(is_running: Callable[[], bool], read: Callable[[], list[set]]) -> dict[str, int]:
    """Read as long as something runs; counts reads, those that failed, mixed sets and versions."""
    counts = {"reads": 0, "failed": 0, "mixed": 0}
    seen = set()
    while is_running():
        counts["reads"] += 1
        try:
            found = read()
        except (duckdb.Error, OSError, KeyError, AssertionError) as error:
            counts["failed"] += 1
            print(f"A read failed: {error}", file=sys.stderr)
            continue
        counts["mixed"] += sum(len(versions) != 1 for versions in found)
        seen |= found[0]
    return counts | {"versions": len(seen)}


def is_whole(folder: Path, read: Callable[[Path], list[set]]) -> bool:
    """Whether the copy can be read and is of one version."""
    return [len(found) for found in read(folder)] == [1, 1]


def fork(action: Callable[[], object]) -> int:
    """Do something in a fork, which ends with 0 if it is true; nothing may be open before."""
    child = os.fork()
    if not child:
        try:
            os._exit(0 if action() else 1)
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(1)
    return child


def wait(child: int) -> bool:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def renewals(folder: Path, n: int) -> dict[str, int]:
    """Read while the copy is renewed n times; it must be there before."""
    child = fork(lambda: renew(folder, n))
    ended: list[int] = []

    def is_running() -> bool:
        ended.extend([child] if os.waitpid(child, os.WNOHANG)[0] else [])
        return not ended

    return {"renewals": n} | read_while(is_running, lambda: read_versions(folder))


def kills(folder: Path, n: int, chance: random.Random) -> dict[str, int]:
    """Kill what renews the copy n times, each within about two renewals."""
    started = time.perf_counter()
    assert wait(fork(lambda: renew(folder, 2)))
    seconds = time.perf_counter() - started
    runs, n_whole = set(), 0
    for _ in range(n):
        child = fork(lambda: renew(folder, 1_000))
        # Not before it has begun to write.
        while not list(folder.glob(".personas-*")):
            time.sleep(0.002)
        time.sleep(chance.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
        wait(child)
        n_whole += wait(fork(lambda: is_whole(folder, read_versions)))
        runs.add(read_manifest(folder)["run"])
    mended = wait(fork(lambda: renew(folder, 1) and is_whole(folder, read_versions)))
    left = len(list(folder.glob(".personas-*"))) + len(list((folder / "parquet").iterdir()))
    return {"kills": n, "not whole": n - n_whole, "versions": len(runs), "left over": left - 2} | (
        {} if mended else {"not mended": 1}
    )


def build(folder: Path) -> subprocess.Popen[bytes]:
    """Start a build of the sample with the stored models, all its data tests included."""
    command = [tool("applicant-personas"), "build", "--exclude-resource-type", "unit_test"]
    environment = {"PERSONAS_WAREHOUSE": str(folder / "warehouse.duckdb")}
    environment |= {"DBT_TARGET_PATH": str(folder / "target"), "DBT_LOG_PATH": str(folder / "logs")}
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=sys.stderr
    )


def builds(folder: Path, n: int) -> dict[str, int]:
    """Read while the sample is built anew n times."""
    counts = {"builds": n, "failed builds": 0}
    for _ in range(n):
        process = build(folder)
        read = read_while(lambda p=process: p.poll() is None, lambda: read_build(folder / "serve"))
        counts["failed builds"] += process.returncode != 0
        for kind, count in read.items():
            counts[kind] = counts.get(kind, 0) + count
    return counts


def build_kills(folder: Path, n: int, chance: random.Random) -> dict[str, int]:
    """Kill n builds of the sample at random moments; the one after them must go through."""
    started = time.perf_counter()
    assert build(folder).wait() == 0
    seconds = time.perf_counter() - started
    n_whole = 0
    for _ in range(n):
        process = build(folder)
        time.sleep(chance.uniform(0, seconds))
        process.kill()
        process.wait()
        n_whole += is_whole(folder / "serve", read_build)
    mended = build(folder).wait() == 0 and is_whole(folder / "serve", read_build)
    return {"build kills": n, "not whole": n - n_whole} | ({} if mended else {"not mended": 1})


def main() -> int:
    """Run what is asked for; returns 1 if anything was amiss."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for option in ("--renewals", "--kills", "--builds", "--build-kills"):
        parser.add_argument(option, type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "served_copy")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    small = options.folder / "small"
    small.mkdir(parents=True, exist_ok=True)
    told = []
    # First what forks: nothing is open in this process then.
    if options.kills:
        told.append(kills(small, options.kills, chance))
    if options.renewals:
        assert wait(fork(lambda: renew(small, 1)))
        told.append(renewals(small, options.renewals))
    if options.builds or options.build_kills:
        assert build(options.folder).wait() == 0
    if options.builds:
        told.append(builds(options.folder, options.builds))
    if options.build_kills:
        told.append(build_kills(options.folder, options.build_kills, chance))
    for counts in told:
        print(json.dumps(counts))
    amiss = ("failed", "mixed", "not whole", "not mended", "left over", "failed builds")
    return int(any(counts.get(kind) for counts in told for kind in amiss))


if __name__ == "__main__":
    sys.exit(main())
