{#- By what share of their mean the people yet to come differ from cycle to cycle. #}
{%- set arrivals_differ_by = 0.10 %}

with

days as (
    select * from {{ ref('ml_headcount_days') }}
),

cells as (
    select * from {{ ref('ml_headcount_cells') }}
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
    where is_main_outcome
),

cycle_spreads as (
    select * from {{ ref('ml_headcount_cycle_spreads') }}
),

targets as (
    select distinct
        days.entry_term,
        days.known_on,
        days.days_to_census,
        days.as_of,
        days.is_static,
        days.is_open,
        cycle_spreads.n_cycles,
        cycle_spreads.tau
    from days
    inner join cycle_spreads
        on days.entry_term = cycle_spreads.entry_term
        and days.known_on = cycle_spreads.known_on
    where days.is_open or (cycle_spreads.n_cycles > 0 and not days.is_static)
),

-- What the earlier cycles had on the same day.
earlier as (
    select
        days.entry_term,
        days.known_on,
        cells.breakdown,
        cells.breakdown_value,
        sum(case when cells.standing = 'yet to come' then cells.n_people else 0 end) as n_arrivals
    from days
    inner join cells
        on days.earlier_entry_term = cells.entry_term
        and days.earlier_known_on = cells.known_on
    group by days.entry_term, days.known_on, cells.breakdown, cells.breakdown_value
),

own as (
    select
        cells.entry_term,
        cells.known_on,
        cells.breakdown,
        cells.breakdown_value,
        max_by(cells.run_id, phases.rung) as run_id,
        sum(case when cells.standing = 'already reached' then cells.n_people else 0 end) as n_reached,
        sum(case when phases.phase is not null then cells.n_people else 0 end) as n_population,
        sum(case when phases.phase is not null and cells.n_scored = 0 then 1 else 0 end)
            as n_phases_unscored,
        sum(cells.n_outcomes) as n_outcomes,
        coalesce({{ stable_sum('cells.expected') }}, 0) as expected,
        coalesce({{ stable_sum(headcount_variance(
            'cells.n_people', 'cells.spread', 'cells.n_training', 'targets.tau'
        )) }}, 0) as variance
    from cells
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
    select entry_term, known_on, breakdown, breakdown_value from earlier
    where n_arrivals > 0
),

joined as (
    select
        targets.*,
        grid.breakdown,
        grid.breakdown_value,
        own.run_id,
        coalesce(own.n_population, 0) as n_population,
        coalesce(own.n_reached, 0) as n_reached,
        coalesce(own.n_outcomes, 0) as n_outcomes,
        coalesce(own.n_phases_unscored, 0) as n_phases_unscored,
        earlier.breakdown is null as is_new,
        case when targets.n_cycles > 0 then coalesce(own.expected, 0) end as expected_in_ladder,
        case
            when targets.n_cycles > 0 and not targets.is_static
                then coalesce(earlier.n_arrivals, 0) / cast(targets.n_cycles as double)
        end as expected_yet_to_come,
        coalesce(own.variance, 0) as variance
    from grid
    inner join targets
        on grid.entry_term = targets.entry_term
        and grid.known_on = targets.known_on
    left join own
        on grid.entry_term = own.entry_term
        and grid.known_on = own.known_on
        and grid.breakdown = own.breakdown
        and grid.breakdown_value = own.breakdown_value
    left join earlier
        on grid.entry_term = earlier.entry_term
        and grid.known_on = earlier.known_on
        and grid.breakdown = earlier.breakdown
        and grid.breakdown_value = earlier.breakdown_value
),

forecasts as (
    select
        *,
        n_reached + expected_in_ladder + coalesce(expected_yet_to_come, 0) as expected,
        sqrt(variance + coalesce({{ arrival_variance(
            'expected_yet_to_come', 'nullif(n_cycles, 0)', arrivals_differ_by
        ) }}, 0)) as deviation
    from joined
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
    is_new,
    n_phases_unscored,
    n_population,
    n_reached,
    expected_in_ladder,
    expected_yet_to_come,
    expected,
    deviation,
    {%- for percent in [80, 95] %}
    {{ headcount_bound('expected', 'deviation', 'n_reached', percent, '-') }} as low_{{ percent }},
    {{ headcount_bound('expected', 'deviation', 'n_reached', percent, '+') }} as high_{{ percent }},
    {%- endfor %}
    n_population + n_reached + coalesce(expected_yet_to_come, 0) < {{ var('min_cell') }}
        as is_suppressed,
    case when not is_open then n_outcomes end as n_outcomes
from forecasts
