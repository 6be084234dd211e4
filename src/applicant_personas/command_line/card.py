"""The model card and the data-protection note of a build, as Markdown from its marts.

Every figure is a mart's, rounded, and the
text around the figures is in `templates/`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined

Row = Mapping[str, Any]
MODEL_CARD, DATA_PROTECTION = "model_card.md", "data_protection.md"
# Features that are listed of each phase.
MOST_IMPORTANT = 5
NOTHING = "-"
QUERIES = {
    "build": "select status, as_of from {dq_build_status}",
    "runs": """
        select kind, run_id, as_of, training_from, training_to, n_rows, n_features, seed,
            library_version, versions, status
        from {fct_model_runs} where run_id in (
            select run_id from {rpt_model_evaluation}
            union select run_id from {rpt_feature_importance}
            union select run_id from {rpt_what_if}
        ) and kind not like 'selection%'
        order by kind
    """,
    "headlines": """
        select *, row_number() over (order by test_cycle is null, phase = 'all', phase) as place
        from {rpt_model_headlines} order by place
    """,
    "evaluation": """
        select phase, model, max(case when metric = 'auc' then value end) as auc,
            max(case when metric = 'log_loss' then value end) as log_loss,
            max(case when metric = 'auc' then n end) as n
        from {rpt_model_evaluation}
        where test_cycle = 'all_cycles' and slice = 'all'
        group by phase, model having max(case when metric = 'auc' then value end) is not null
        order by phase = 'all', phase, auc desc, model
    """,
    "coverage": """
        select * from {rpt_headcount_coverage} where days_to_census = 'all' order by breakdown
    """,
    "personas": """
        select persona_key, persona_name, n_applicants, share, stability, stability_in_words,
            top_traits
        from {dim_personas} where is_active order by persona_key
    """,
    "selection": """
        select k, prediction_strength, stability_mean, verdict, reason
        from {rpt_persona_selection} where is_chosen order by k
    """,
    "importance": """
        select phase, importance_rank, feature, importance, importance_low, importance_high,
            direction, n_rows
        from {rpt_feature_importance}
        where target = 'enrollment' and scope = 'global' and not is_block and beats_noise
        order by phase, importance_rank
    """,
    "leaks": """
        select distinct phase, feature, verdict from {rpt_leak_scan}
        where verdict not like 'clear%' and is_used order by phase, feature
    """,
    "fairness": """
        select attribute, "group" as group_value, phase, metric, value, low, high, n,
            reference_group, told_by, suppressed, is_gap, note
        from {audit_fairness} order by attribute, group_value, phase, metric
    """,
    "register": "select * from {audit_feature_register} order by block, feature",
    "tables": """
        select capability, is_available, n_rows from {dq_capabilities}
        where level = 'table' and capability not like 'xwalk%'
            and capability not in ('entry_terms', 'programs', 'feature_catalog', 'persona_names')
        order by capability
    """,
}


def write_cards(database: Path, folder: Path) -> list[Path]:
    """Write the model card and the data-protection note of a built warehouse into a folder.

    Raises ValueError when the warehouse is absent, or lacks a mart that they are made from.
    """
    facts = read_facts(database)
    environment = Environment(
        loader=PackageLoader("applicant_personas.command_line"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"two": two_decimals, "count": count_of, "cell": as_cell}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in (MODEL_CARD, DATA_PROTECTION):
        text = environment.get_template(f"{name}.j2").render(facts)
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def read_facts(database: Path) -> dict[str, Any]:
    """Read the rows of every query, and what follows from them."""
    if not database.is_file():
        raise ValueError(
            f"There is no warehouse at {database}: run `dbt build` first, or name one with "
            "--database."
        )
    with duckdb.connect(str(database), read_only=True) as connection:
        relations = _relations(connection)
        facts: dict[str, Any] = {}
        for name, query in QUERIES.items():
            try:
                filled = query.format_map(relations)
            except KeyError as error:
                raise ValueError(
                    f"{database} has no {error.args[0]}: run `dbt build` without a selection first."
                ) from error
            facts[name] = _rows(connection, filled)
    return facts | _derived(facts)


def _relations(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Find each public table, in whichever schema; the package has names of its own for them."""
    found = connection.execute(
        "select table_name, table_schema from information_schema.tables"
        " where regexp_matches(table_schema, '(^|_)(marts|data_quality|audit)$')"
    ).fetchall()
    return {name: f'"{schema}"."{name}"' for name, schema in found}


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    frame = connection.execute(query).df().astype(object)
    return [
        {str(name): value for name, value in row.items()}
        for row in frame.where(frame.notna(), None).to_dict("records")
    ]


def _derived(facts: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    importance = [row for row in facts["importance"] if row["importance_rank"] <= MOST_IMPORTANT]
    fairness = facts["fairness"]
    versions = [json.loads(str(row["versions"])) for row in facts["runs"][:1]]
    return {
        "most_important": MOST_IMPORTANT,
        "important": importance,
        "groups": [row for row in fairness if row["metric"] == "selection_rate_ratio"],
        "figures": {
            (row["attribute"], row["group_value"], row["phase"], row["metric"]): row
            for row in fairness
        },
        "told": [row for row in fairness if row["metric"] == "predictability"],
        "gaps": [row for row in fairness if row["is_gap"] and row["metric"] != "predictability"],
        "not_audited": [row for row in fairness if row["metric"] == "not_audited"],
        "attributes": sorted(
            {str(row["attribute"]) for row in fairness if row["metric"] != "not_audited"}
        ),
        "used": [row for row in facts["register"] if row["is_used"]],
        "unused": [row for row in facts["register"] if not row["is_used"]],
        "versions": versions[0] if versions else {},
    }


def two_decimals(value: float | None) -> str:
    """Write a figure with two decimals and no zero before the point; a dash where there is none.

    >>> two_decimals(0.894), two_decimals(-0.02), two_decimals(1.5), two_decimals(None)
    ('.89', '-.02', '1.50', '-')
    """
    if value is None:
        return NOTHING
    text = f"{value:.2f}"
    text = "0.00" if text == "-0.00" else text
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def count_of(value: float | None) -> str:
    """Write a count with commas; a dash where there is none."""
    return NOTHING if value is None else f"{round(value):,}"


def as_cell(value: object) -> str:
    """Write text of the data's so that it is no more than text of a table's cell."""
    if value is None:
        return NOTHING
    flat = " ".join(str(value).split())
    for mark in ("\\", "|", "`", "*", "[", "]"):
        flat = flat.replace(mark, f"\\{mark}")
    return flat.replace("&", "&amp;").replace("<", "&lt;")
