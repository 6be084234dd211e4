with

forecasts as (
    select * from {{ ref('ml_headcount_forecasts') }}
    where is_open
),

programs as (
    select * from {{ ref('stg_programs') }}
),

by_program as (
    select
        forecasts.entry_term,
        forecasts.breakdown_value,
        programs.capacity
    from forecasts
    left join programs on forecasts.breakdown_value = programs.program_code
    where forecasts.breakdown = 'program'
),

-- The whole has a capacity when each of its programs has one.
capacities as (
    select entry_term, 'program' as breakdown, breakdown_value, capacity
    from by_program
    union all
    select
        entry_term,
        'all' as breakdown,
        'all' as breakdown_value,
        case when count(capacity) = count(*) then sum(capacity) end as capacity
    from by_program
    group by entry_term
)

select
    forecasts.entry_term,
    forecasts.breakdown,
    forecasts.breakdown_value,
    forecasts.run_id,
    forecasts.as_of,
    cast(forecasts.known_on as date) as known_on,
    cast(forecasts.days_to_census as integer) as days_to_census,
    forecasts.is_static,
    forecasts.is_suppressed,
    {{- headcount_columns() }},
    cast(capacities.capacity as integer) as capacity,
    case when not forecasts.is_suppressed then round({{ chance_to_exceed(
        'capacities.capacity', 'forecasts.expected', 'forecasts.deviation', 'forecasts.n_reached'
    ) }}, 6) end as p_over_capacity,
    case
        when n_cycles = 0 and days_to_census is null and not is_static
            then 'Without a census nothing can be compared with earlier cycles.'
        when n_cycles = 0
            then 'No earlier cycle is closed, so nothing tells how many are to be expected.'
        when is_static
            then 'Without dates nobody can tell who is yet to come: they are not counted.'
        when not tells_arrivals
            then 'No earlier cycle of this intake: who is yet to come is not counted.'
        when forecasts.breakdown = 'persona' and forecasts.breakdown_value = 'none'
            then 'People without a persona; who objects to profiling counts at a rate.'
        when is_new and forecasts.breakdown in ('program', 'persona')
            then 'New on this day: nobody is expected to be yet to come.'
        when has_phase_without_model
            then 'A phase without a model counts at the rate of earlier cycles.'
    end as note
from forecasts
left join capacities
    on forecasts.entry_term = capacities.entry_term
    and forecasts.breakdown = capacities.breakdown
    and forecasts.breakdown_value = capacities.breakdown_value
