"""The input contract, its code sets and score scales, as dbt's manifest and seeds state them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = "applicant_personas"
# Features and names are written by hand; who is erased is nothing that may be proposed.
NOT_PROPOSED = {"feature_catalog", "persona_names", "erasure_list"}
# Table and column: the crosswalk that maps its codes, and the code set within xwalk_values. The
# same list as the macro coded_columns, without codes that may stay as they are.
CODED = {
    ("applications", "current_stage"): ("xwalk_stages", ""),
    ("stage_events", "stage"): ("xwalk_stages", ""),
    ("test_scores", "test_code"): ("xwalk_tests", ""),
    ("test_scores", "component"): ("xwalk_components", ""),
    ("test_scores", "status"): ("xwalk_values", "score_status"),
    ("test_scores", "scale_code"): ("xwalk_values", "score_scale"),
    ("interactions", "interaction_type"): ("xwalk_interaction_types", ""),
    ("interactions", "status"): ("xwalk_values", "interaction_status"),
    ("persons", "country_of_residence"): ("xwalk_countries", ""),
    ("persons", "country_of_citizenship"): ("xwalk_countries", ""),
    ("education_records", "country"): ("xwalk_countries", ""),
    ("persons", "residency"): ("xwalk_values", "residency"),
    ("education_records", "gpa_direction"): ("xwalk_values", "gpa_direction"),
    ("entry_terms", "status"): ("xwalk_values", "term_status"),
    ("programs", "test_policy"): ("xwalk_values", "test_policy"),
}


@dataclass(frozen=True)
class Column:
    """One column of the contract; `type` is the contract's type, such as varchar.

    `feeds`: what it switches on: features and marts, or else blocks of features. `substitute`: a
    table that says the same.
    """

    table: str
    name: str
    type: str
    is_required: bool
    description: str
    feeds: tuple[str, ...] = ()
    substitute: str = ""


@dataclass(frozen=True)
class Table:
    """One table of the contract; `grain` names the columns of its key.

    `feeds`: the blocks of features and the marts that the table switches on.
    """

    name: str
    is_required: bool
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    feeds: tuple[str, ...] = ()

    @property
    def own_id(self) -> str | None:
        """The key that only this table makes, such as score_id; None: its key has a meaning."""
        key = self.grain[0]
        return key if len(self.grain) == 1 and key.endswith("_id") else None


@dataclass(frozen=True)
class Crosswalk:
    """A shipped crosswalk: the header of its file, and the known codes of each code set."""

    name: str
    header: tuple[str, ...]
    codes: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Contract:
    """All that a source is compared with.

    `scales`: the legal ranges of each test and component.
    """

    tables: Mapping[str, Table]
    crosswalks: Mapping[str, Crosswalk]
    scales: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]

    @property
    def mapped_tables(self) -> tuple[Table, ...]:
        """Tables found in a source, required ones first; catalogs and crosswalks are written."""
        found = (
            table
            for table in self.tables.values()
            if table.name not in NOT_PROPOSED and not table.name.startswith("xwalk_")
        )
        return tuple(sorted(found, key=lambda table: (not table.is_required, table.name)))

    def codes_of(self, table: str, column: str) -> Mapping[str, str] | None:
        """Return what is known of a column's codes, by code key; None: it has no codes."""
        if (table, column) not in CODED:
            return None
        crosswalk, code_set = CODED[table, column]
        return self.crosswalks[crosswalk].codes.get(code_set, {})


def code_key(code: str) -> str:
    """Return what makes two codes one: case, outer blanks, _ and - do not matter."""
    return re.sub(r"[_-]", " ", code).strip().lower()


def read_contract(manifest: Path) -> Contract:
    """Read the contract of the project that dbt parsed.

    `manifest`: dbt's manifest.json. Raises ValueError when it is absent, is not a manifest, or is
    that of another project.
    """
    if not manifest.is_file():
        raise ValueError(f"There is no manifest at {manifest}: run `dbt parse` first.")
    nodes = json.loads(manifest.read_text(encoding="utf-8")).get("nodes", {})
    own = {name: node for name, node in nodes.items() if node.get("package_name") == PACKAGE}
    tables = {table.name: table for table in _tables(own)}
    if not tables:
        raise ValueError(f"{manifest} does not hold the project {PACKAGE}: give --manifest.")
    names = sorted({crosswalk for crosswalk, _ in CODED.values()})
    crosswalks = {name: _crosswalk(name, _seed(own, name)) for name in names}
    return Contract(tables, crosswalks, _scales(_seed(own, "test_scales")))


def _tables(nodes: Mapping[str, Any]) -> Iterator[Table]:
    for node in nodes.values():
        meta = node["config"].get("meta", {})
        if node["resource_type"] == "model" and "grain" in meta:
            name = meta["table"]
            columns = (
                _column(name, column)
                for column in node["columns"].values()
                if not column["name"].startswith("_")
            )
            feeds = (*meta.get("feeds", ()), *meta.get("marts", ()))
            yield Table(name, meta["required"], tuple(meta["grain"]), tuple(columns), feeds)


def _column(table: str, column: Mapping[str, Any]) -> Column:
    meta = column["config"].get("meta", {})
    feeds = (*meta.get("features", ()), *meta.get("marts", ())) or tuple(meta.get("feeds", ()))
    return Column(
        table,
        column["name"],
        column["data_type"],
        meta.get("required", False),
        " ".join(column["description"].split()),
        feeds,
        meta.get("substitute", ""),
    )


def _seed(nodes: Mapping[str, Any], name: str) -> list[dict[str, str]]:
    node = nodes[f"seed.{PACKAGE}.{name}"]
    with (Path(node["root_path"]) / node["original_file_path"]).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _crosswalk(name: str, rows: list[dict[str, str]]) -> Crosswalk:
    header = tuple(rows[0])
    value = header[header.index("code") + 1]
    codes: dict[str, dict[str, str]] = {}
    for row in rows:
        codes.setdefault(row.get("code_set", ""), {})[code_key(row["code"])] = row[value]
    return Crosswalk(name, header, codes)


def _scales(
    rows: list[dict[str, str]],
) -> dict[tuple[str, str], tuple[tuple[float, float], ...]]:
    scales: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in rows:
        ranges = scales.setdefault((row["test_code"], row["component"]), [])
        ranges.append((float(row["score_min"]), float(row["score_max"])))
    return {key: tuple(ranges) for key, ranges in scales.items()}
