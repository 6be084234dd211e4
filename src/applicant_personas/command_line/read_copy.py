"""Reads of the published copy what the page shows: rows of marts, and counts of people.

What is counted here is hidden where it is small; all else is hidden in the marts already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
from resvg_py import svg_to_bytes

from applicant_personas.page import CHANGED, Table, make_page

DATABASE = "personas.duckdb"
N_BINS = 28
# Marts that are read as they are, with the columns that tell a row.
WHOLE = {
    "dim_entry_terms": ("entry_term",),
    "dim_personas": ("persona_key",),
    "rpt_persona_cards": ("persona_key", "line_number"),
    "rpt_persona_enrollment": ("entry_term", "phase", "persona_key"),
    "rpt_persona_rules": ("persona_key",),
    "rpt_persona_traits": ("persona_key", "feature"),
    "rpt_persona_selection": ("run_id", "k"),
    "rpt_persona_drift": ("persona_key", "metric", "feature"),
    "rpt_headcount_forecast": ("entry_term", "breakdown", "breakdown_value"),
    "rpt_headcount_backtest": ("entry_term", "days_to_census", "breakdown", "breakdown_value"),
    "rpt_headcount_coverage": ("breakdown", "days_to_census"),
    "rpt_model_headlines": ("phase",),
    "rpt_calibration": ("run_id", "phase", "test_cycle", "slice_value", "bin"),
    "rpt_feature_importance": ("run_id", "target", "scope", "feature"),
    "fct_model_runs": ("run_id",),
    "dq_build_status": ("invocation_id",),
    "dq_build_summary": ("line_number",),
    "dq_capabilities": ("level", "capability"),
    "dq_reconciliation": ("layer", "table", "rule"),
    "audit_fairness": ("attribute", "group", "phase", "metric"),
}
# Marts of which a part or counts are read. A column is named by what it is of the mart's rows.
PARTS = {
    "rpt_funnel_by_cycle_day": (
        ("entry_term", "days_to_census", "persona_key", "program_code", "stage"),
        "select * from {mart} where is_own_day and program_code = 'all'",
    ),
    "rpt_model_evaluation": (
        ("run_id", "phase", "model", "test_cycle", "slice", "slice_value", "metric"),
        "select * from {mart} where slice in ('all', 'persona') and metric = 'auc'",
    ),
    "fct_applicant_positions": (
        ("persona_key",),
        """select persona_key, count(*) as "count(*)",
            round(avg(position_1), 4) as "round(avg(position_1), 4)",
            round(avg(position_2), 4) as "round(avg(position_2), 4)",
            var_pop(position_1) as variance_1, var_pop(position_2) as variance_2,
            covar_pop(position_1, position_2) as covariance
        from {mart} where persona_key is not null
        group by persona_key having count(*) >= {min_cell} order by persona_key""",
    ),
    "fct_applicant_features": (
        ("feature", "bin"),
        """with ends as (
            select feature, quantile_cont(value, .01) as low, quantile_cont(value, .99) as high
            from {mart} where value is not null group by feature
        )
        select feature, low, high, bin, {bins} as n_bins, count(*) as n
        from (
            select mart.feature, ends.low, ends.high, cast(least(
                floor((mart.value - ends.low) / nullif(ends.high - ends.low, 0) * {bins}),
                {bins} - 1
            ) as integer) as bin
            from {mart} as mart inner join ends on mart.feature = ends.feature
            where mart.value between ends.low and ends.high
        ) as placed
        where bin is not null group by all having count(*) >= {min_cell} order by feature, bin""",
    ),
    "fct_enrollment_scores": (
        ("outcome_stage",),
        """select outcome_stage from {mart} group by outcome_stage
        order by outcome_stage = 'enrolled' desc, outcome_stage""",
    ),
    "rpt_score_changes": (
        ("to_persona_key", "direction"),
        """select to_persona_key, direction, compared_as_of,
            count(distinct person_id) filter (to_persona_key is not null) as "{people}"
        from {mart} where direction in ('rose', 'fell') and to_persona_key is not null
        group by grouping sets ((to_persona_key, direction, compared_as_of),
            (direction, compared_as_of)) order by all""",
    ),
}


def read_copy(folder: Path) -> tuple[dict[str, Table], dict[str, object]]:
    """Read what the page needs, and the manifest; marts that are not there have no rows."""
    database, manifest = folder / DATABASE, folder / "manifest.json"
    if not database.is_file() or not manifest.is_file():
        raise ValueError(
            f"There is no published copy in {folder}: run `applicant-personas build` first,"
            " or name its folder with --serve."
        )
    facts = json.loads(manifest.read_text("utf-8"))
    queries = {mart: (key, "select * from {mart} order by all") for mart, key in WHOLE.items()}
    with duckdb.connect(str(database), read_only=True) as connection:
        held = connection.execute(
            "select table_name, schema_name from duckdb_tables() where not internal"
        ).fetchall()
        schemas: Mapping[str, str] = dict(held)
        tables = {}
        counted = {"min_cell": int(facts["min_cell"]), "bins": N_BINS, "people": CHANGED}
        for mart, (key, query) in (queries | PARTS).items():
            rows = []
            if mart in schemas:
                asked = query.format(mart=f'"{schemas[mart]}"."{mart}"', **counted)
                answer = connection.execute(asked)
                names = [column[0] for column in answer.description or []]
                rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
            tables[mart] = Table(mart, key, rows)
    return tables, facts | {"absent": sorted(set(tables) - set(schemas))}


def write_page(folder: Path, output: Path | None, pictures: Path | None) -> Iterator[str]:
    """Write the page of a copy, and its pictures where they are asked for; says what it wrote."""
    page = make_page(*read_copy(folder))
    file = output or folder / "personas.html"
    unfinished = file.with_name(f".{file.name}")
    unfinished.write_text(page.html, encoding="utf-8")
    unfinished.replace(file)
    yield f"The page is {file}: open it in a browser."
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
        for name, picture in page.pictures.items():
            (pictures / f"{name}.svg").write_text(picture, encoding="utf-8")
            image = svg_to_bytes(svg_string=picture, zoom=2)
            (pictures / f"{name}.png").write_bytes(bytes(image))
        yield f"{len(page.pictures)} pictures are in {pictures}, as SVG and PNG."
