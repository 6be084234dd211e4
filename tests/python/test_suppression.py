"""No hidden cell can be computed from what is published.

Every published count is a sum over atoms, the combinations of the values of its dimensions. A cell
that is not published is told by the rest where its sum lies in the row space of theirs. All marts
that count the same people are taken together, with every total known that anything tells.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest
import warehouse

from applicant_personas.evaluation import MODELS

ALL = "all"
MIN_CELL = 11
Cell = tuple[str, ...]


@dataclass(frozen=True)
class System:
    """Counts of the same people: by rows as they are, and as marts publish them.

    `truth` gives rows of block (what is solved apart), the dimensions and n, and for those who
    reached the outcome n_base, of whom they are. Each query of `published` gives block, dimensions
    and n of a mart: a value, 'all', or values joined by '|'. `cells` names the dimensions that are
    not 'all' in each kind of cell that must not be told; with `totals` that of a block is known.
    """

    dimensions: tuple[str, ...]
    truth: str
    published: dict[str, str]
    cells: tuple[tuple[str, ...], ...]
    totals: bool = False


PEOPLE = """
    select person_id, entry_term, coalesce(persona_key, 'none') as persona_key
    from marts.fct_applicant_personas
"""
SCORED = """
    select distinct
        scores.entry_term, scores.phase, scores.application_id, scores.outcome,
        scores.persona_key, coalesce(scores.program_code, 'unknown') as program_code,
        coalesce(predictions.residency, 'unknown') as residency
    from marts.fct_enrollment_scores as scores
    inner join ml.ml_enrollment_predictions as predictions
        on scores.application_id = predictions.application_id
        and scores.phase = predictions.phase
        and predictions.is_enrollment_day and predictions.is_standing
"""
# The terms of a test: one, or all those that it pools.
TESTED = """
    select entry_term as test_cycle, entry_term as terms from marts.dim_entry_terms
    union all
    select 'all_cycles', string_agg(distinct test_cycle, '|') from marts.rpt_model_evaluation
    where test_cycle in (select entry_term from marts.dim_entry_terms)
    union all
    select 'grouped_5_fold', string_agg(entry_term, '|') from marts.dim_entry_terms
    where not is_open
"""
SLICED = ("persona_key", "program_code", "residency")
SLICES = {"persona": "persona_key", "program": "program_code", "residency": "residency"}


def sliced(slice_value: str, known: str) -> str:
    """Write the columns of SLICED for a row with one slice."""
    return ", ".join(
        f"case when {known} = '{name}' then {slice_value} else 'all' end as {column}"
        for name, column in SLICES.items()
    )


def scores(count: str, enrollment: str, metric: str) -> System:
    """Build the system of scored applications: all of them, or those who reached the outcome."""
    cells = [("entry_term", "phase"), ("phase",), ("entry_term",)]
    cells += [(*rest, column) for rest in [*cells, ()] for column in SLICED]
    value = "n" if count == "1" else "round(value)"
    evaluated = f"""
        select '' as block, terms as entry_term, phase, {sliced("slice_value", "slice")},
            {value} as n
        from marts.rpt_model_evaluation inner join ({TESTED}) using (test_cycle)
        where model = 'likelihood' and slice <> 'days_to_census' and metric = '{metric}'
    """
    binned = f"""
        select '' as block, terms as entry_term, phase,
            slice_value as persona_key, 'all' as program_code, 'all' as residency,
            round(sum(n * {"1" if count == "1" else "actual_rate"})) as n
        from marts.rpt_calibration inner join ({TESTED}) using (test_cycle)
        group by all
    """
    headline = f"""
        select '' as block, terms as entry_term, phase, 'all' as persona_key,
            'all' as program_code, 'all' as residency,
            {"n" if count == "1" else "actual_headcount"} as n
        from marts.rpt_model_headlines inner join ({TESTED}) using (test_cycle)
    """
    audited = f"""
        select '' as block, terms as entry_term, phase, 'all' as persona_key,
            'all' as program_code, "group" as residency, n
        from audit.audit_fairness inner join ({TESTED}) on test_cycle = 'all_cycles'
        where attribute = 'residency' and n is not null
            and metric = '{"selection_rate" if count == "1" else "true_positive_rate"}'
    """
    enrolled = f"""
        select '' as block, entry_term, phase, persona_key, 'all' as program_code,
            'all' as residency, {enrollment} as n
        from marts.rpt_persona_enrollment where {enrollment} is not null
    """
    return System(
        dimensions=("entry_term", "phase", *SLICED),
        truth=f"""
            select '' as block, entry_term, phase, {", ".join(SLICED)},
                coalesce(sum({count}), 0) as n, count(*) as n_base
            from ({SCORED}) group by all
        """,
        published={
            "rpt_persona_enrollment": enrolled,
            "rpt_model_evaluation": evaluated,
            "rpt_calibration": binned,
            "rpt_model_headlines": headline,
            "audit_fairness": audited,
        },
        cells=tuple(cells),
    )


def evaluated_by(model: str) -> System:
    """Build the system of applications of which one model tells something."""
    return System(
        dimensions=("phase", *SLICED),
        truth=f"""
            select test_cycle as block, phase, coalesce(persona_key, 'unknown') as persona_key,
                coalesce(program_code, 'unknown') as program_code,
                coalesce(residency, 'unknown') as residency, count(*) as n
            from ml.ml_enrollment_predictions
            where is_enrollment_day and test_cycle is not null and outcome is not null
                and {model} is not null
            group by all
        """,
        published={
            "rpt_model_evaluation": f"""
                select test_cycle as block, phase, {sliced("slice_value", "slice")}, n
                from marts.rpt_model_evaluation
                where model = '{model}' and slice <> 'days_to_census' and metric = 'base_rate'
                    and test_cycle <> 'all_cycles'
            """
        },
        cells=(
            ("phase",),
            *((*rest, column) for rest in [("phase",), ()] for column in SLICED),
        ),
    )


DAYS_BEFORE = "date_diff('day', steps.known_on, terms.census_on)"
ON_A_DAY = f"""
    with counted as (
        select
            steps.entry_term, steps.stage, steps.person_id, {DAYS_BEFORE} as days_before,
            coalesce(steps.program_code, 'unknown') as program_code,
            coalesce(people.persona_key, 'none') as persona_key
        from intermediate.int_funnel_steps as steps
        inner join marts.dim_entry_terms as terms using (entry_term)
        left join ({PEOPLE}) as people using (person_id, entry_term)
        where steps.known_on is not null
    ),
    days as (
        select distinct entry_term, stage, days_to_census from marts.rpt_funnel_by_cycle_day
    )
    select entry_term || ' ' || stage || ' ' || days_to_census as block, persona_key,
        program_code, count(*) as n
    from days inner join counted using (entry_term, stage)
    where days_before >= days_to_census
    group by all
"""


def headcount(mart: str, count: str, column: str) -> System:
    """Build the system of one count of the headcounts, each breakdown for itself."""
    return System(
        dimensions=("breakdown_value",),
        truth=f"""
            with counted as (
                select * from ml.ml_headcount_standings
            ),
            people as (
                select entry_term, known_on, 'persona' as breakdown, person_id,
                    max(case when is_furthest then persona_key end) as breakdown_value,
                    bool_or(has_reached) as has_reached, max_by(phase, rung) as phase,
                    max(outcome) as outcome
                from counted group by entry_term, known_on, person_id
                union all
                select entry_term, known_on, 'program', person_id, program_code,
                    bool_or(has_reached), max_by(phase, rung), max(outcome)
                from counted group by entry_term, known_on, person_id, program_code
            ),
            viewed as (
                select * from people
                union all
                select entry_term, known_on, 'phase', person_id, phase, has_reached, phase, outcome
                from people
                where breakdown = 'persona' and phase is not null and not has_reached
            ),
            shown as (
                select distinct entry_term, known_on, days_to_census from marts.{mart}
            )
            select entry_term || ' ' || days_to_census || ' ' || breakdown as block,
                breakdown_value, sum({count}) as n
            from viewed inner join shown using (entry_term, known_on)
            group by all
        """,
        published={
            mart: f"""
                select entry_term || ' ' || days_to_census || ' ' || breakdown as block,
                    breakdown_value, {column} as n
                from marts.{mart} where {column} is not null and breakdown <> 'all'
                union all
                select entry_term || ' ' || days_to_census || ' persona', 'all', {column}
                from marts.{mart} where {column} is not null and breakdown = 'all'
            """
        },
        cells=(("breakdown_value",),),
        totals=True,
    )


IN_LADDER = "cast(phase is not null and not has_reached as int)"
HEADCOUNTS = {
    f"{mart}.{column}": headcount(mart, count, column)
    for mart in ("rpt_headcount_forecast", "rpt_headcount_backtest")
    for column, count in {
        "n_population": IN_LADDER,
        "already_enrolled": "cast(has_reached as int)",
        "actual": "outcome",
    }.items()
    if (mart, column) != ("rpt_headcount_forecast", "actual")
}

# The groups that are audited, of people; residency is of applications, and of the evaluation too.
ATTRIBUTES = """
    select person_id, attribute, value from staging.stg_protected_attributes
    union all
    select distinct person_id, 'residency', coalesce(residency, 'unknown')
    from ml.ml_enrollment_predictions
    where is_enrollment_day and outcome is not null and score_kind = 'out_of_sample'
"""
# Ranges of a feature, and who is in them.
RANGES = """
    select phase, feature, cast(cast(item as int) as varchar) as range_order, n,
        case when scope = 'global' then 'all' else scope end as persona_key
    from ml.ml_enrollment_fit where record = 'dependence'
"""

MEMBERS = System(
    dimensions=("entry_term", "persona_key"),
    truth=f"""
        select '' as block, entry_term, persona_key, count(*) as n from ({PEOPLE}) group by all
    """,
    published={
        "dim_personas": """
            select '' as block, 'all' as entry_term, persona_key, n_applicants as n
            from marts.dim_personas where is_active and n_applicants is not null
            union all
            select '', 'all', 'all', round(max(n_applicants / share)) from marts.dim_personas
            where share > 0
        """,
        "rpt_persona_funnel": """
            select '' as block, entry_term, persona_key, n_reached as n
            from marts.rpt_persona_funnel
            where stage_rank = (select min(stage_rank) from marts.rpt_persona_funnel)
                and n_reached is not null
        """,
        "rpt_persona_cards": """
            select '' as block, string_agg(entry_term, '|') as entry_term, persona_key,
                cast(regexp_extract(line, '; (\\d+) of them in a term', 1) as int) as n
            from marts.rpt_persona_cards
            cross join (select entry_term from marts.dim_entry_terms where is_open)
            where topic = 'size' and line like '%of them in a term%'
            group by persona_key, line
        """,
    },
    cells=(("entry_term", "persona_key"), ("persona_key",), ("entry_term",)),
)

SYSTEMS = {
    "scored applications": scores("1", "n_applications", "base_rate"),
    "scored applications with the outcome": scores(
        "outcome", "actual_enrollments", "actual_headcount"
    ),
    **{f"applications of {model}": evaluated_by(model) for model in MODELS},
    **HEADCOUNTS,
    "people": MEMBERS,
    "people of a stage": System(
        dimensions=("persona_key",),
        truth=f"""
            select people.entry_term || ' ' || stage as block, persona_key,
                count(distinct steps.person_id) as n
            from intermediate.int_funnel_steps as steps
            inner join ({PEOPLE}) as people using (person_id, entry_term)
            group by all
        """,
        published={
            "rpt_persona_funnel": """
                select entry_term || ' ' || stage as block, persona_key, n_reached as n
                from marts.rpt_persona_funnel where n_reached is not null
                union
                select entry_term || ' ' || lag(stage) over steps, persona_key,
                    round(n_reached / rate_from_previous)
                from marts.rpt_persona_funnel
                window steps as (partition by entry_term, persona_key order by stage_rank)
                qualify rate_from_previous > 0
            """
        },
        cells=(("persona_key",),),
        totals=True,
    ),
    "stages by day": System(
        dimensions=("persona_key", "program_code"),
        truth=ON_A_DAY,
        published={
            "rpt_funnel_by_cycle_day": """
                select entry_term || ' ' || stage || ' ' || days_to_census as block, persona_key,
                    program_code, n_reached as n
                from marts.rpt_funnel_by_cycle_day where n_reached is not null
                union
                select previous_entry_term || ' ' || stage || ' ' || days_to_census, persona_key,
                    program_code, n_reached_previous_cycle
                from marts.rpt_funnel_by_cycle_day where n_reached_previous_cycle is not null
            """
        },
        cells=(("persona_key", "program_code"), ("persona_key",), ("program_code",), ()),
    ),
    "people of two cycles": System(
        dimensions=("entry_term", "persona_key"),
        truth="""
            select '' as block, entry_term, persona_key, count(*) as n
            from ml.ml_persona_compared group by all
        """,
        published={
            "rpt_persona_drift": """
                select '' as block, entry_term, persona_key, n_now as n
                from marts.rpt_persona_drift where n_now is not null
                union
                select '', previous_entry_term, persona_key, n_before
                from marts.rpt_persona_drift where n_before is not null
                union
                select '', entry_term, 'all', round(n_now / now)
                from marts.rpt_persona_drift where metric = 'share' and now > 0
                union
                select '', previous_entry_term, 'all', round(n_before / before)
                from marts.rpt_persona_drift where metric = 'share' and before > 0
            """
        },
        cells=(("entry_term", "persona_key"),),
    ),
    "moves": System(
        dimensions=("persona_key",),
        truth="""
            select comparison || ' ' || previous_persona_key as block, persona_key,
                coalesce(n, 1) as n
            from marts.rpt_persona_transitions
        """,
        published={
            "rpt_persona_transitions": """
                select comparison || ' ' || previous_persona_key as block, persona_key, n
                from marts.rpt_persona_transitions where n is not null
            """
        },
        cells=(("persona_key",),),
        totals=True,
    ),
    "observed values": System(
        dimensions=("persona_key",),
        truth=f"""
            select feature as block, persona_key, count(value) as n
            from marts.fct_applicant_features
            inner join ({PEOPLE}) as people using (person_id, entry_term)
            group by all
        """,
        published={
            "rpt_persona_traits": f"""
                select feature as block, persona_key, count(value) as n
                from marts.fct_applicant_features
                inner join ({PEOPLE}) as people using (person_id, entry_term)
                inner join marts.rpt_persona_traits as traits using (persona_key, feature)
                where coalesce(traits.mean, traits.z_difference, traits.effect_size) is not null
                group by all
            """
        },
        cells=(("persona_key",),),
        totals=True,
    ),
    "rows of importances": System(
        dimensions=("scope",),
        truth="""
            select distinct phase as block, scope, n_rows as n
            from ml.ml_enrollment_importance where scope <> 'global'
        """,
        published={
            "rpt_feature_importance": """
                select distinct phase as block, scope, n_rows as n
                from marts.rpt_feature_importance
                where target = 'enrollment' and scope <> 'global' and n_rows is not null
            """
        },
        cells=(("scope",),),
        totals=True,
    ),
    "audited applications": System(
        dimensions=("phase", "group_value"),
        truth=f"""
            with audited as (
                select predictions.*
                from ml.ml_enrollment_predictions as predictions
                where is_enrollment_day and outcome is not null
                    and score_kind = 'out_of_sample'
            ),
            attributes as (
                {ATTRIBUTES}
            )
            select attributes.attribute as block, phase,
                coalesce(valued.value, 'unknown') as group_value, count(*) as n
            from audited
            cross join (select distinct attribute from attributes) as attributes
            left join attributes as valued
                on audited.person_id = valued.person_id
                and attributes.attribute = valued.attribute
            group by all
        """,
        published={
            "audit_fairness": """
                select attribute as block, phase, "group" as group_value, n
                from audit.audit_fairness
                where metric = 'selection_rate' and not suppressed
                union
                select audited.attribute, evaluation.phase, 'all', evaluation.n
                from marts.rpt_model_evaluation as evaluation
                cross join (
                    select distinct attribute from audit.audit_fairness
                    where metric = 'selection_rate'
                ) as audited
                where model = 'likelihood' and test_cycle = 'all_cycles' and slice = 'all'
                    and metric = 'base_rate'
            """
        },
        cells=(("phase", "group_value"), ("group_value",)),
        totals=True,
    ),
    "ranges of what-ifs": System(
        dimensions=("persona_key", "range_order"),
        truth=f"""
            select phase || ' ' || feature as block, persona_key, range_order, n
            from ({RANGES}) where persona_key <> 'all'
        """,
        # In tens; that hides no more, as far as this test goes.
        published={
            "rpt_what_if": f"""
                select phase || ' ' || feature as block, persona_key,
                    range_order, counted.n
                from (select * replace (cast(range_order as varchar) as range_order)
                    from marts.rpt_what_if) as shown
                inner join ({RANGES}) as counted using (phase, feature, persona_key, range_order)
                where not is_suppressed
            """
        },
        cells=(("persona_key", "range_order"),),
        totals=True,
    ),
}

# Marts that publish nothing of groups of applicants, and why.
ROWS = "rows of single people or records, which only those may read who may see them"
NOT_PEOPLE = {
    "dim_entry_terms": "terms",
    "dim_programs": "programs",
    "fct_applicant_features": ROWS,
    "fct_applicant_personas": ROWS,
    "fct_applicant_positions": ROWS,
    "fct_enrollment_scores": ROWS,
    "fct_score_history": ROWS,
    "fct_model_runs": "rows and columns that a fit read",
    "rpt_contact_list": ROWS,
    "rpt_crm_export": ROWS,
    "rpt_score_changes": ROWS,
    "rpt_headcount_coverage": "back-tested headcounts",
    "rpt_persona_selection": "numbers of personas, and how good they are",
    "rpt_feature_selection": "shares of everyone who was learned from",
    "rpt_leak_scan": "rows of everyone of a phase on all days",
    "rpt_principal_components": "directions",
    "audit_feature_register": "features",
    "dq_diverted_rows": ROWS,
    "dq_rejected_records": ROWS,
    "dq_score_issues": ROWS,
    "dq_reconciliation": "records of the input, whose keys dq_diverted_rows lists",
    "dq_timeliness": "records of the input",
    "dq_unmapped_codes": "records of the input, each code with the key of one",
    "dq_input_files": "records of files",
    "dq_build_summary": "records of the input",
    "dq_build_status": "the build",
}
# Judged by tests of their own below.
APART = {
    "rpt_persona_categories", "rpt_persona_rules", "rpt_persona_lineage", "dq_capabilities",
}  # fmt: skip
NUMBERS = {"BIGINT", "INTEGER", "DOUBLE", "HUGEINT", "SMALLINT", "TINYINT", "FLOAT", "UBIGINT"}


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    database = warehouse.built_sample(tmp_path_factory.mktemp("suppression")).database
    with duckdb.connect(str(database), read_only=True) as opened:
        yield opened


# --- The checker -------------------------------------------------------------------------------


def recoverable(values: list[list[str]], published: list[Cell], hidden: list[Cell]) -> list[Cell]:
    """List the hidden cells that sums and differences of the published ones tell.

    `values` has the values of each dimension; a cell has one for each, 'all', or several joined by
    '|'. Atoms are all combinations: nobody knows which of them are empty.
    """
    if not hidden:
        return []
    known = {cell: _indicator(values, cell) for cell in dict.fromkeys(published)}
    asked = {cell: _indicator(values, cell) for cell in dict.fromkeys(hidden)}
    # Atoms that no cell tells apart are one.
    stacked = np.array([*known.values(), *asked.values()])
    stacked = np.unique(stacked, axis=1)
    rows, targets = stacked[: len(known)], stacked[len(known) :]
    if not len(rows):
        return []
    _, size, directions = np.linalg.svd(rows, full_matrices=False)
    directions = directions[size > 1e-9 * size[0]]
    left = targets - targets @ directions.T @ directions
    is_told = np.linalg.norm(left, axis=1) < 1e-7 * np.linalg.norm(targets, axis=1)
    return [cell for cell, told in zip(asked, is_told, strict=True) if told]


def _indicator(values: list[list[str]], cell: Cell) -> np.ndarray:
    indicator = np.ones(1)
    for known, value in zip(values, cell, strict=True):
        chosen = set(known) if value == ALL else set(value.split("|"))
        indicator = np.kron(indicator, [float(name in chosen) for name in known])
    return indicator


def leaks(truth: pd.DataFrame, published: pd.DataFrame, system: System) -> list[Cell]:
    """List the blocks and cells of small groups that are hidden and told all the same.

    Both frames have block, the dimensions and n.
    """
    found: list[Cell] = []
    names = list(system.dimensions)
    shown = dict(list(published.groupby("block")))
    for block, part in truth.groupby("block"):
        values = [sorted(part[name].unique()) for name in names]
        cells = [tuple(row) for row in shown[block][names].to_numpy()] if block in shown else []
        counted = {
            cell: int(n)
            for kind in system.cells
            for cell, n in _sums(part, names, kind, "n_base" if "n_base" in part else "n").items()
        }
        hidden = [
            cell for cell, n in counted.items() if 0 < n < MIN_CELL and cell not in set(cells)
        ]
        if system.totals:
            cells.append((ALL,) * len(names))
        found += [(str(block), *cell) for cell in recoverable(values, cells, hidden)]
    return found


def _sums(
    part: pd.DataFrame, names: list[str], kind: tuple[str, ...], count: str
) -> dict[Cell, float]:
    """Add up a count of the cells of a kind, whose other dimensions are 'all'."""
    viewed = part.assign(**{name: ALL for name in names if name not in kind})
    summed = viewed.groupby(names)[count].sum()
    return {key if isinstance(key, tuple) else (key,): n for key, n in summed.items()}


def in_system(connection, system: System) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the rows of a system and what its marts publish."""
    truth = connection.execute(system.truth).df()
    parts = [connection.execute(query).df() for query in system.published.values()]
    return truth, pd.concat([part for part in parts if len(part)] or parts)


# --- What is published -------------------------------------------------------------------------


@pytest.mark.parametrize("name", SYSTEMS)
def test_no_hidden_cell_can_be_computed_back(connection, name):
    truth, published = in_system(connection, SYSTEMS[name])
    assert not leaks(truth, published, SYSTEMS[name])


@pytest.mark.parametrize("name", SYSTEMS)
def test_nothing_small_is_published_and_the_rows_are_those_that_marts_count(connection, name):
    """A system whose rows are others than the mart's would prove nothing."""
    system = SYSTEMS[name]
    names = list(system.dimensions)
    truth, published = in_system(connection, system)
    published = published.drop_duplicates(["block", *names, "n"])
    assert not published.duplicated(["block", *names]).any()
    counted = {}
    for kind in itertools.product(*[[(), (name,)] for name in names]):
        counted |= _sums(truth, ["block", *names], ("block", *itertools.chain(*kind)), "n")
    for block, *cell, n in published[["block", *names, "n"]].itertuples(index=False):
        parts = itertools.product(*[value.split("|") for value in cell])
        assert sum(counted.get((block, *part), 0) for part in parts) == n, (block, *cell)
    if "outcome" not in name:
        assert not published["n"].between(1, MIN_CELL - 1).any()


def test_shares_of_levels_tell_no_hidden_cell(connection):
    """With all totals: those of a level are told by its overall share, those of personas too."""
    marts = connection.execute("select * from marts.rpt_persona_categories").df()
    features = sorted(marts["feature"].unique())
    unpivoted = " union all ".join(
        f"select '{feature}' as block, coalesce({feature}, 'unknown') as level, persona_key"
        " from features.ftr_applicants inner join ml.ml_persona_assignments"
        " using (application_id, known_on)"
        " where ftr_applicants.is_persona_snapshot and ftr_applicants.is_primary"
        for feature in features
    )
    truth = connection.execute(
        f"select block, level, persona_key, count(*) as n from ({unpivoted}) group by all"
    ).df()
    system = System(("level", "persona_key"), "", {}, (("level", "persona_key"), ("level",)))
    shown = marts.dropna(subset="n").rename(columns={"feature": "block"})
    overall = marts.rename(columns={"feature": "block"}).assign(persona_key=ALL)
    sizes = truth.groupby(["block", "persona_key"], as_index=False)["n"].sum().assign(level=ALL)
    published = pd.concat([shown, overall, sizes])[["block", "level", "persona_key"]]
    assert len(features) > 1
    assert not leaks(truth, published.drop_duplicates(), system)
    found = shown.merge(truth, on=["block", "level", "persona_key"], how="left")["n_y"].fillna(0)
    assert (found.to_numpy() == shown["n"].to_numpy()).all()
    assert not shown["n"].between(1, MIN_CELL - 1).any()
    hidden = marts["n"].isna()
    assert hidden.any()
    assert marts.loc[hidden, ["share", "ratio"]].isna().all(axis=None)


def test_few_whom_a_rule_fits_or_a_table_holds_are_not_told(connection):
    rules = connection.execute("select n_fits, purity from marts.rpt_persona_rules").df()
    assert not rules["n_fits"].between(1, MIN_CELL - 1).any()
    assert rules.loc[rules["n_fits"].isna(), "purity"].isna().all()
    tables = connection.execute(
        "select n_rows, share_filled from data_quality.dq_capabilities"
        " where split_part(capability, '.', 1) not in ('entry_terms', 'programs')"
    ).df()
    assert not tables["n_rows"].between(1, MIN_CELL - 1).any()
    assert tables.loc[tables["n_rows"].isna(), "share_filled"].isna().all()
    lineage = connection.execute(
        "select share_kept, share_from from marts.rpt_persona_lineage"
    ).df()
    assert lineage.equals(lineage.round(2))


def test_a_what_if_tells_of_nobody_and_counts_in_tens(connection):
    ranges = connection.execute(
        "select shown.*, counted.n as n_people from marts.rpt_what_if as shown"
        f" inner join ({RANGES}) as counted on shown.phase = counted.phase"
        " and shown.feature = counted.feature and shown.persona_key = counted.persona_key"
        " and shown.range_order = cast(counted.range_order as int)"
    ).df()
    told = ranges[~ranges["is_suppressed"]]
    hidden = ranges[ranges["is_suppressed"]]
    assert len(told) > 100
    assert (told["n_people"] >= 20).all()
    assert ((told["n"] % 10 == 0) & ((told["n"] - told["n_people"]).abs() <= 5)).all()
    assert hidden[["n", "share", "probability", "low", "high"]].isna().all(axis=None)
    assert hidden["reading"].str.startswith("Too few people").all()


def test_every_mart_that_counts_people_is_checked(connection):
    """A new mart belongs into a system, is judged apart, or says why it tells of nobody."""
    nodes = json.loads(warehouse.manifest().read_text())["nodes"].values()
    public = {
        node["name"]: f"{node['schema']}.{node['name']}"
        for node in nodes
        if node["resource_type"] == "model" and node["schema"] in warehouse.PUBLIC
    }
    declared = {name for system in SYSTEMS.values() for name in system.published}
    counted = connection.execute(
        "select distinct table_name from information_schema.columns"
        f" where data_type in {tuple(NUMBERS)}"
    ).fetchall()
    counting = {name for (name,) in counted} & set(public)
    assert len(public) > 30
    assert not counting - declared - APART - set(NOT_PEOPLE)
    assert not (declared | APART) & set(NOT_PEOPLE)
    assert not (declared | APART) - set(public)


# --- The checker can fail ----------------------------------------------------------------------

PLANTED = System(("phase", "persona"), "", {}, (("phase", "persona"), ("persona",)))
TABLE = pd.DataFrame(
    [
        ("", phase, persona, n)
        for phase, counts in {"applied": (50, 30, 5), "admitted": (40, 20, 12)}.items()
        for persona, n in zip("abc", counts, strict=True)
    ],
    columns=["block", "phase", "persona", "n"],
)
SMALL = ("", "applied", "c")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["applied a", "applied b", "applied all"], True),
        (["applied a", "applied all", "admitted a", "admitted all"], False),
        (["all c", "admitted c"], True),
        (["all c", "admitted a|b", "admitted all"], True),
        (["all c", "all a", "all b", "applied all", "admitted all", "applied b"], False),
        (["applied a|b", "all all", "admitted all"], True),
        (["applied b|c", "applied b"], True),
        ([], False),
    ],
)
def test_the_checker_finds_what_is_planted(cells, told):
    rows = [("", *cell.split(), 0) for cell in cells]
    published = pd.DataFrame(rows, columns=["block", "phase", "persona", "n"])
    assert leaks(TABLE, published, PLANTED) == ([SMALL] if told else [])


def test_a_published_neighbor_tells_the_hidden_cell(connection):
    """What a mart hides besides the small cells is needed: showing it is found."""
    system = SYSTEMS["people of a stage"]
    truth, published = in_system(connection, system)
    small = truth[truth["n"] < MIN_CELL].groupby("block").size()
    block = small[small == 1].index[0]
    whole = truth[(truth["block"] == block) & (truth["n"] >= MIN_CELL)]
    assert leaks(truth, pd.concat([published, whole]), system)


# --- The rule on small populations -------------------------------------------------------------


def decide(cells: pd.DataFrame, arguments: str) -> pd.DataFrame:
    """Run the macro on cells, without dbt."""
    source = (warehouse.ROOT / "macros/suppression.sql").read_text()
    template = jinja2.Environment().from_string(
        source + "{{ suppressed_cells('cells', " + arguments + ") }}",
        globals={"var": {"min_cell": MIN_CELL}.get},
    )
    with duckdb.connect() as database:
        database.register("given", cells)
        database.execute("create table cells as select * from given")
        return database.execute(template.render()).df()


def population(seed: int, n_rows: int, n_columns: int) -> pd.DataFrame:
    """Draw a table of mostly small cells with its totals."""
    random = np.random.default_rng(seed)
    size = random.lognormal(2.5, 1.2, n_columns) * random.lognormal(0, 0.8, (n_rows, 1))
    counts = pd.DataFrame(
        [
            ("", f"r{row}", f"c{column}", int(n))
            for (row, column), n in np.ndenumerate(random.poisson(size))
        ],
        columns=["block", "row", "col", "n"],
    )
    totals = [
        counts.assign(**dict.fromkeys(kind, ALL)).groupby(["block", "row", "col"])["n"].sum()
        for kind in [("row",), ("col",), ("row", "col")]
    ]
    return pd.concat([counts, *[total.reset_index() for total in totals]], ignore_index=True)


@pytest.mark.parametrize("n_columns", [1, 2, 3, 7])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 5])
def test_no_small_cell_of_a_table_and_its_totals_can_be_computed(n_rows, n_columns):
    system = System(("row", "col"), "", {}, (("row", "col"), ("row",), ("col",)))
    for seed in range(20):
        cells = population(seed, n_rows, n_columns)
        decided = decide(cells, "['block'], column='col', row='row'")
        atoms = cells[(cells["row"] != ALL) & (cells["col"] != ALL)]
        shown = decided[~decided["is_suppressed"]]
        assert len(decided) == len(cells)
        assert not shown["n"].between(1, MIN_CELL - 1).any()
        assert not leaks(atoms, shown, system)


def test_one_line_hides_the_smallest_shown_cell_with_a_single_small_one():
    lines = {
        "a": [5, 20, 30, 0], "b": [5, 3, 30], "c": [20, 30], "d": [0, 5, 12], "e": [4],
        "f": [10, 11],
    }  # fmt: skip
    cells = pd.DataFrame(
        [
            (line, f"k{place}", n)
            for line, counts in lines.items()
            for place, n in enumerate(counts)
        ],
        columns=["line", "k", "n"],
    )
    decided = decide(cells, "['line'], column='k'").sort_values(["line", "k"])
    hidden = decided[decided["is_suppressed"]].groupby("line")["n"].apply(list).to_dict()
    assert hidden == {"a": [5, 20], "b": [5, 3], "d": [5, 12], "e": [4], "f": [10, 11]}


def test_zero_is_shown_unless_it_is_a_corner():
    counts = {"x": {"a": 5, "b": 0, "c": 90}, "y": {"a": 40, "b": 30, "c": 80}}
    cells = pd.DataFrame(
        [("", row, col, n) for row, line in counts.items() for col, n in line.items()]
        + [("", row, ALL, sum(line.values())) for row, line in counts.items()]
        + [("", ALL, col, counts["x"][col] + counts["y"][col]) for col in "abc"]
        + [("", ALL, ALL, 245)],
        columns=["block", "row", "col", "n"],
    )
    decided = decide(cells, "['block'], column='col', row='row'")
    hidden = decided[decided["is_suppressed"]]
    assert set(zip(hidden["row"], hidden["col"], strict=True)) == set(itertools.product("xy", "ab"))
