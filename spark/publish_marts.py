"""Publishes the marts of Spark to a folder, as a build on DuckDB does: docs/serve.md.

`python spark/publish_marts.py FOLDER` reads what the last `dbt build` was in dbt's target folder
(DBT_TARGET_PATH), and copies the marts from the session that SPARK_CONF_DIR describes. Only a build
of everything that passed is published; else the copy in the folder stays as it is.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml
from dbt.adapters.sparksession.connections import get_session
from export_marts import copy_tables

from applicant_personas.served_copy import Mart, publish

ROOT = Path(__file__).resolve().parents[1]
PROJECT = "applicant_personas"
PASSED = {"success", "pass", "warn", "no-op"}
LABELS = ("staging", "stg_feature_catalog")
# DuckDB's name of what is copied from Spark, before it is published.
COPIED = "of_spark"


def why_not(nodes: Mapping[str, Any], run: Mapping[str, Any]) -> str | None:
    """Say why the run is not published, as macros/publish.sql does; None if it is."""
    results = {result["unique_id"]: result["status"] for result in run["results"]}
    troubles = [status for status in results.values() if status not in PASSED]
    if troubles:
        return f"{len(troubles)} of {len(results)} steps failed or were skipped"
    wanted = [
        key
        for key, node in nodes.items()
        if node["package_name"] == PROJECT
        and (node["resource_type"] == "test" or node["config"].get("access") == "public")
    ]
    if set(wanted) - set(results):
        return "that takes a build of all marts with their data tests"
    return None


def main(folder: Path) -> int:
    target = Path(os.environ.get("DBT_TARGET_PATH", ROOT / "target"))
    nodes = json.loads((target / "manifest.json").read_text("utf-8"))["nodes"]
    run = json.loads((target / "run_results.json").read_text("utf-8"))
    stays = why_not(nodes, run)
    if stays:
        print(f"Not published: {stays}; {folder}/personas.duckdb stays as it is.")
        return 1
    marts = [
        Mart.of_node(node)
        for node in nodes.values()
        if node["package_name"] == PROJECT and node["config"].get("access") == "public"
    ]
    marts = [replace(mart, relation=f"{COPIED}.{mart.schema}.{mart.name}") for mart in marts]
    variables = yaml.safe_load((ROOT / "dbt_project.yml").read_text("utf-8"))["vars"]
    variables |= run["args"].get("vars", {})
    began = datetime.fromisoformat(run["metadata"]["invocation_started_at"])
    name = f"{began:%Y%m%dT%H%M%S}-{run['metadata']['invocation_id'][:8]}"
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / f"{COPIED}.duckdb"
        copy_tables(get_session({}), file, [LABELS, *((mart.schema, mart.name) for mart in marts)])
        with duckdb.connect(str(file)) as connection:
            labels = ".".join([COPIED, *LABELS])
            publish(connection, folder, marts, name, labels, min_cell=variables["min_cell"])
    print(f"Published: {folder}/personas.duckdb, {len(marts)} marts.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
