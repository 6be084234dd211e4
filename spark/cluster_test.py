"""Builds the sample on a real Spark cluster beside DuckDB, and compares every public mart.

`make spark-test`: a standalone master and two workers on this machine, each a process of its own;
the sample's tables as Parquet, which both engines read as relations; a build on either; the marts
compared cell by cell, published, and made a page of; how many tasks each worker has done. What was
started is stopped.

With `--kill-worker` one of the workers is killed in the middle of the build. Where the build fails
of it, a second one has to succeed, by the other worker alone. With `--build-only` nothing is built
on DuckDB, compared or published: how the time of the build grows is asked with it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import duckdb
import pyspark

from applicant_personas.runs import LIBRARIES

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "target/spark_test"
HOME = Path(pyspark.__file__).parent
VARS = '{"input_schema": "landed"}'
N_WORKERS = 2
NAMING_SOURCES = [
    ("dq_capabilities", "source"),
    ("dq_capabilities", "reason"),
    ("dq_input_files", "path"),
]
# Sums of doubles are added in another order, and likelihoods go through exp and log of another
# library.
TOLERANCE = "1e-6"
# When this table is there, half of the build is done, and queries of many parts are under way.
MID_BUILD = "ml.db/ml_persona_members"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def land(source: Path, landed: Path) -> None:
    """Write tables of CSV as Parquet, everything as the text that it is; link those of Parquet."""
    landed.mkdir(parents=True, exist_ok=True)
    for rows in source.iterdir():
        if rows.suffix == ".parquet" or any(rows.glob("*.parquet")):
            (landed / rows.name).symlink_to(rows.resolve())
    for file in sorted(source.glob("*.csv")):
        duckdb.sql(
            f"select * from read_csv('{file}', all_varchar = true, ignore_errors = true,"
            " delim = ',', quote = '\"', escape = '\"', header = true, null_padding = true)"
        ).write_parquet(str(landed / f"{file.stem}.parquet"))


def build_on_duckdb(landed: Path) -> Path:
    warehouse = FOLDER / "duckdb/warehouse.duckdb"
    warehouse.parent.mkdir(parents=True)
    with duckdb.connect(
        str(warehouse), config={"storage_compatibility_version": "v1.4.0"}
    ) as connection:
        connection.execute("create schema landed")
        for rows in sorted(landed.iterdir()):
            files = rows / "*.parquet" if rows.is_dir() else rows
            connection.execute(f"create view landed.{rows.stem} as select * from '{files}'")
    run_dbt("ci", ROOT / ".venv/bin/dbt", {"PERSONAS_WAREHOUSE": str(warehouse)})
    # Sources are named with their database here, and without on Spark; and libraries are those of
    # the other environment there.
    versions = json.dumps({name: version(name) for name in LIBRARIES}, sort_keys=True)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("update marts.fct_model_runs set versions = $1", [versions])
        for table, column in NAMING_SOURCES:
            shorter = f"replace({column}, 'warehouse.landed.', 'landed.')"
            connection.execute(f"update data_quality.{table} set {column} = {shorter}")
    return warehouse


def build_on_spark(conf: str, landed: Path, doomed: subprocess.Popen[bytes] | None) -> None:
    environment = {"SPARK_CONF_DIR": conf, "PYSPARK_PYTHON": sys.executable}
    run([sys.executable, str(ROOT / "spark/load_tables.py"), str(landed), "landed"], environment)
    dbt = Path(sys.executable).with_name("dbt")
    if doomed is None:
        run_dbt("spark", dbt, environment)
    else:
        threading.Thread(target=kill_in_mid_build, args=[doomed], daemon=True).start()
        try:
            run_dbt("spark", dbt, environment)
        except subprocess.CalledProcessError:
            if doomed.poll() is None:
                raise
            print("The build failed; once more.", flush=True)
            run_dbt("spark", dbt, environment)


def publish(conf: str) -> Path:
    """Copy the marts, as they are and as they are served, and make the page."""
    warehouse = FOLDER / "spark/warehouse.duckdb"
    environment = {"SPARK_CONF_DIR": conf, "PYSPARK_PYTHON": sys.executable}
    run([sys.executable, str(ROOT / "spark/export_marts.py"), str(warehouse)], environment)
    served = str(FOLDER / "spark/serve")
    environment["DBT_TARGET_PATH"] = str(FOLDER / "dbt_spark")
    run([sys.executable, str(ROOT / "spark/publish_marts.py"), served], environment)
    run([str(ROOT / ".venv/bin/applicant-personas"), "page", "--serve", served], environment)
    return warehouse


def kill_in_mid_build(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker, and the executor in its group, so that neither can say good-bye."""
    while not (FOLDER / "spark/tables" / MID_BUILD / "_SUCCESS").exists():
        time.sleep(0.2)
    os.killpg(worker.pid, signal.SIGKILL)
    print("A worker was killed.", flush=True)


def run_dbt(target: str, dbt: Path, environment: dict[str, str]) -> None:
    folder = FOLDER / f"dbt_{target}"
    environment = environment | {"DBT_TARGET_PATH": str(folder), "DBT_LOG_PATH": str(folder)}
    arguments = ["build", "--target", target, "--exclude-resource-type", "unit_test"]
    run([str(dbt), *arguments, "--vars", VARS], environment)


def run(command: list[str], environment: dict[str, str]) -> None:
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=True)
    print(f"{Path(command[0]).name} {command[1]}: {time.monotonic() - started:.0f} s", flush=True)


@contextlib.contextmanager
def cluster(memory: str) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a master and its workers, give the master's address and the workers; stop them."""
    port, page = free_port(), free_port()
    master = f"spark://127.0.0.1:{port}"
    roles = [["master.Master", "--port", str(port), "--webui-port", str(page)]]
    roles += [
        ["worker.Worker", "--cores", "1", "--memory", memory, "--webui-port", "0", master]
    ] * N_WORKERS
    environment = os.environ | {
        "SPARK_HOME": str(HOME),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_WORKER_DIR": str(FOLDER / "work"),
        "PYSPARK_PYTHON": sys.executable,
    }
    started: list[subprocess.Popen[bytes]] = []
    try:
        for role, *arguments in roles:
            command = [str(HOME / "bin/spark-class"), f"org.apache.spark.deploy.{role}"]
            command += ["--host", "127.0.0.1", *arguments]
            log = (FOLDER / f"{role.split('.')[0]}_{len(started)}.log").open("wb")
            started.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
            if len(started) == 1:
                wait_for(page, 0)
        wait_for(page, N_WORKERS)
        yield master, started[1:]
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=60)


def wait_for(page: int, n_workers: int) -> None:
    """Wait until the master's page says that so many workers are there."""
    for _ in range(120):
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer,
        ):
            if json.load(answer)["aliveworkers"] >= n_workers:
                return
        time.sleep(1)
    raise TimeoutError(f"The master has not {n_workers} workers after two minutes; see {FOLDER}.")


def configuration(master: str, memory: str, settings: list[str]) -> str:
    """Write the configuration of the sessions, as spark/conf has it, for the cluster."""
    folder = FOLDER / "conf"
    folder.mkdir()
    lines = (ROOT / "spark/conf/spark-defaults.conf").read_text()
    lines = lines.replace("target/spark/", f"{FOLDER}/spark/").replace("local[2]", master)
    events = FOLDER / "events"
    events.mkdir()
    lines += (
        f"spark.executor.memory {memory}\nspark.executor.cores 1\nspark.eventLog.enabled true\n"
        f"spark.eventLog.dir file://{events}\nspark.eventLog.compress false\n"
    )
    lines += "".join(f"{setting.replace('=', ' ', 1)}\n" for setting in settings)
    (folder / "spark-defaults.conf").write_text(lines)
    return str(folder)


def tasks_by_executor() -> Counter[str]:
    """Count the tasks that each executor has done, of which a worker has one."""
    done: Counter[str] = Counter()
    for file in (FOLDER / "events").rglob("*"):
        for line in file.read_text().splitlines() if file.is_file() else []:
            event = json.loads(line) if line.startswith('{"Event":"SparkListenerTaskEnd"') else None
            if event and event["Task End Reason"]["Reason"] == "Success":
                done[event["Task Info"]["Host"] + " " + event["Task Info"]["Executor ID"]] += 1
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, default=ROOT / "seeds/sample")
    parser.add_argument("--memory", default="1g", help="of each executor")
    parser.add_argument("--conf", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--kill-worker", action="store_true", help="in the middle of the build")
    parser.add_argument("--build-only", action="store_true", help="of Spark, compared with nothing")
    options = parser.parse_args()
    # So that what was started is stopped then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "spark").mkdir(parents=True)
    landed = FOLDER / "landed"
    land(options.source, landed)
    before = None if options.build_only else build_on_duckdb(landed)
    # A worker offers a little more than its executor takes.
    with cluster(f"{int(options.memory.removesuffix('g')) * 1024 + 512}m") as (master, workers):
        conf = configuration(master, options.memory, options.conf)
        build_on_spark(conf, landed, workers[0] if options.kill_worker else None)
        after = publish(conf) if before else None
    done = tasks_by_executor()
    for executor, n in sorted(done.items()):
        print(f"executor {executor}: {n:,} tasks")
    compare = [sys.executable, str(ROOT / "benchmarks/compare_builds.py"), str(before), str(after)]
    n_different = before and subprocess.run([*compare, TOLERANCE], check=False).returncode
    return n_different or int(len(done) < N_WORKERS)


if __name__ == "__main__":
    sys.exit(main())
