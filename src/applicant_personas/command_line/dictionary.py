"""The data dictionary from the manifest: public marts and input contract, column by column."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Node = Mapping[str, Any]
PARTS = ("Overview:", "Grain and key:", "Business rules:")
FRONT_DOOR = (
    "dim_personas",
    "fct_applicant_personas",
    "rpt_persona_enrollment",
    "fct_enrollment_scores",
    "rpt_feature_importance",
)


def write_dictionary(manifest: Path, target: Path) -> None:
    """Write the dictionary as Markdown.

    `manifest`: dbt's manifest.json. Raises ValueError when it is absent or not a manifest.
    """
    if not manifest.is_file():
        raise ValueError(f"There is no manifest at {manifest}: run `dbt parse` first.")
    content = json.loads(manifest.read_text(encoding="utf-8"))
    if "nodes" not in content:
        raise ValueError(f"{manifest} is not a manifest of dbt: it has no nodes.")
    models = [node for node in content["nodes"].values() if node["resource_type"] == "model"]
    target.write_text("\n".join(_lines(models)) + "\n", encoding="utf-8")


def _lines(models: list[Node]) -> Iterator[str]:
    public = {node["name"]: node for node in models if node["access"] == "public"}
    contract = sorted(
        (node for node in models if "table" in node["config"]["meta"]), key=lambda n: n["name"]
    )
    rest = sorted(set(public) - set(FRONT_DOOR))
    yield "# Data dictionary"
    yield ""
    yield "Made by `applicant-personas dictionary`; change the YAML beside the models instead."
    for title, nodes in (
        ("The front door", [public[name] for name in FRONT_DOOR if name in public]),
        ("Further marts", [public[name] for name in rest]),
        ("The input contract", contract),
    ):
        yield from ("", f"## {title}")
        for node in nodes:
            yield from _table(node)


def _table(node: Node) -> Iterator[str]:
    meta = node["config"]["meta"]
    yield from ("", f"### {meta.get('table', node['name'])}", "")
    yield from _description(node["description"])
    yield from ("", "| column | type | what it is |", "|---|---|---|")
    for column in node["columns"].values():
        if column["name"].startswith("_"):
            continue
        required = column.get("config", {}).get("meta", {}).get("required", False)
        text = " ".join(column["description"].split()).replace("|", "\\|")
        name = f"{column['name']}{' *' if required else ''}"
        yield f"| {name} | {column['data_type'] or ''} | {text} |"


def _description(text: str) -> Iterator[str]:
    """One line a part of the description, the labels in bold."""
    flat = " ".join(text.split())
    for part in PARTS:
        flat = flat.replace(part, f"\n- **{part}**")
    yield from (line for line in flat.strip().split("\n") if line)
