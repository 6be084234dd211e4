with

days as (
    select * from {{ ref('ml_headcount_days') }}
),

cycle_spreads as (
    select * from {{ ref('ml_headcount_cycle_spreads') }}
),

cells as (
    select * from {{ ref('ml_headcount_cells') }}
),

arrivals as (
    select * from {{ ref('ml_headcount_arrivals') }}
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
    where is_main_outcome
),

-- A back-test needs earlier cycles of its own intake.
targets as (
    select distinct
        days.entry_term,
        days.known_on,
        days.days_to_census,
        days.as_of,
        days.is_static,
        days.is_open,
        cycle_spreads.n_cycles,
        cycle_spreads.tau,
        days.is_same_intake and not days.is_static as tells_arrivals
    from days
    inner join cycle_spreads
        on days.entry_term = cycle_spreads.entry_term
        and days.known_on = cycle_spreads.known_on
    where days.is_open or (days.is_same_intake and not days.is_static)
),

-- Everyone who stands where the people of a cell stand.
standing_cells as (
    select
        cells.*,
        greatest(cells.n_people, coalesce(totals.n_people, 0)) as n_in_phase,
        greatest(cells.n_scored, coalesce(totals.n_scored, 0)) as n_scored_in_phase
    from cells
    left join cells as totals
        on cells.entry_term = totals.entry_term
        and cells.known_on = totals.known_on
        and cells.standing = totals.standing
        and totals.breakdown = 'all'
),

own as (
    select
        cells.entry_term,
        cells.known_on,
        cells.breakdown,
        cells.breakdown_value,
        max_by(cells.run_id, phases.rung) as run_id,
        sum(case when phases.phase is not null then cells.n_people else 0 end) as n_population,
        sum(case when cells.standing = 'already reached' then cells.n_people else 0 end)
            as n_reached,
        sum(cells.n_outcomes) as n_outcomes,
        max(case when phases.phase is not null and cells.n_scored_in_phase = 0 then 1 else 0 end)
            as has_phase_without_model,
        {{ stable_sum('cells.expected') }} as expected,
        {{ stable_sum(headcount_variance(
            'cells.n_in_phase', 'cells.spread', 'cells.n_training', 'targets.tau'
        )) }} as variance
    from standing_cells as cells
    inner join targets
        on cells.entry_term = targets.entry_term
        and cells.known_on = targets.known_on
    left join phases on cells.standing = phases.phase
    group by cells.entry_term, cells.known_on, cells.breakdown, cells.breakdown_value
),

grid as (
    select entry_term, known_on, 'all' as breakdown, 'all' as breakdown_value from targets
    union
    select entry_term, known_on, breakdown, breakdown_value from own
    where n_reached + n_population > 0
    union
    select entry_term, known_on, breakdown, breakdown_value from arrivals
    where expected > 0
),

forecasts as (
    select
        targets.*,
        grid.breakdown,
        grid.breakdown_value,
        own.run_id,
        arrivals.breakdown is null as is_new,
        coalesce(own.has_phase_without_model, 0) = 1 as has_phase_without_model,
        coalesce(own.n_population, 0) as n_population,
        coalesce(own.n_reached, 0) as n_reached,
        coalesce(own.n_outcomes, 0) as n_outcomes,
        case when targets.n_cycles > 0 then coalesce(own.expected, 0) end as expected_in_ladder,
        case when targets.tells_arrivals then coalesce(arrivals.expected, 0) end
            as expected_yet_to_come,
        sqrt(coalesce(own.variance, 0) + coalesce(arrivals.variance, 0)) as deviation
    from grid
    inner join targets
        on grid.entry_term = targets.entry_term
        and grid.known_on = targets.known_on
    left join own
        on grid.entry_term = own.entry_term
        and grid.known_on = own.known_on
        and grid.breakdown = own.breakdown
        and grid.breakdown_value = own.breakdown_value
    left join arrivals
        on grid.entry_term = arrivals.entry_term
        and grid.known_on = arrivals.known_on
        and grid.breakdown = arrivals.breakdown
        and grid.breakdown_value = arrivals.breakdown_value
),

totaled as (
    select
        *,
        n_reached + expected_in_ladder + coalesce(expected_yet_to_come, 0) as expected
    from forecasts
),

-- Where nobody is on the ladder yet, those of earlier cycles who came later are told of.
{%- set table = ['entry_term', 'known_on', 'breakdown'] %}
{%- set counts = {
    'rows': "case
            when breakdown = 'all' and n_population + n_reached > 0 then n_population + n_reached
            when n_population > 0 then n_population
            when n_reached > 0 then n_reached
            else ceil(coalesce(expected_yet_to_come, 0))
        end",
    'reached': 'n_reached',
    'outcomes': 'case when is_open then 0 else n_outcomes end',
} %}
{%- for name, n in counts.items() %}
{{ name }}_cells as (
    select
        *,
        {{ n }} as n
    from totaled
),

{{ name }}_decided as (
    {{ suppressed_cells(name ~ '_cells', table, column='breakdown_value') }}
),
{% endfor %}
decided as (
    select
        rows_decided.*,
        rows_decided.is_suppressed or reached_decided.is_suppressed as is_reached_suppressed,
        rows_decided.is_suppressed or outcomes_decided.is_suppressed as is_outcome_suppressed
    from rows_decided
    {%- for name in ['reached', 'outcomes'] %}
    inner join {{ name }}_decided
        on {{ same_keys('rows_decided', name ~ '_decided', table + ['breakdown_value']) }}
    {%- endfor %}
)

select
    entry_term,
    known_on,
    days_to_census,
    as_of,
    is_static,
    is_open,
    breakdown,
    breakdown_value,
    run_id,
    n_cycles,
    tells_arrivals,
    is_new,
    has_phase_without_model,
    n_population,
    n_reached,
    expected_in_ladder,
    expected_yet_to_come,
    expected,
    deviation,
    {%- for bound, percent, sign in [
        ('low_80', 80, '-'), ('high_80', 80, '+'), ('low_95', 95, '-'), ('high_95', 95, '+'),
    ] %}
    round({{ headcount_bound('expected', 'deviation', 'n_reached', percent, sign) }}, 6)
        as {{ bound }},
    {%- endfor %}
    is_suppressed,
    is_reached_suppressed,
    is_outcome_suppressed,
    case when not is_open then n_outcomes end as n_outcomes
from decided
