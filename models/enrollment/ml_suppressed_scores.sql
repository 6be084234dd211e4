{%- set slices = {
    'persona': 'persona_key', 'program': 'program_code', 'residency': 'residency',
} %}

with

predictions as (
    select * from {{ ref('ml_enrollment_predictions') }}
    where is_enrollment_day and is_standing and likelihood is not null
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

-- Out of bag and out of sample the same application is told twice.
people as (
    select distinct
        predictions.entry_term,
        phases.ladder,
        predictions.phase,
        predictions.person_id,
        {%- for slice, column in slices.items() %}
        coalesce(predictions.{{ column }}, 'unknown') as {{ slice }},
        {%- endfor %}
        case
            when phases.is_once_only then predictions.person_id else predictions.application_id
        end as counted_id
    from predictions
    inner join phases on predictions.phase = phases.phase
),

-- Each slice by phase and value, and their totals; by a join, so that it may go to disk.
viewed as (
    select distinct
        people.entry_term,
        people.ladder,
        views.slice,
        case when views.phases = 'all' then 'all' else people.phase end as phase,
        case
            when views.slice_values = 'all' then 'all'
            {%- for slice in slices %}
            when views.slice = '{{ slice }}' then people.{{ slice }}
            {%- endfor %}
        end as slice_value,
        people.counted_id
    from people
    cross join (
        values
        {%- for slice in slices %}
        ('{{ slice }}', 'each', 'each'), ('{{ slice }}', 'all', 'each'),
        ('{{ slice }}', 'each', 'all'), ('{{ slice }}', 'all', 'all'){{ ',' if not loop.last }}
        {%- endfor %}
    ) as views (slice, phases, slice_values)
),

counted as (
    select
        entry_term,
        ladder,
        slice,
        phase,
        slice_value,
        count(counted_id) as n
    from viewed
    group by entry_term, ladder, slice, phase, slice_value
),

-- All combinations of a phase and a value that the cycle has; who is in none of them is nobody.
grid as (
    select
        row_totals.entry_term,
        row_totals.ladder,
        row_totals.slice,
        row_totals.phase,
        column_totals.slice_value
    from counted as row_totals
    inner join counted as column_totals
        on row_totals.entry_term = column_totals.entry_term
        and row_totals.ladder = column_totals.ladder
        and row_totals.slice = column_totals.slice
    where row_totals.slice_value = 'all' and column_totals.phase = 'all'
),

cells as (
    select
        grid.*,
        coalesce(counted.n, 0) as n
    from grid
    left join counted
        on grid.entry_term = counted.entry_term
        and grid.ladder = counted.ladder
        and grid.slice = counted.slice
        and grid.phase = counted.phase
        and grid.slice_value = counted.slice_value
),

decided as (
    {{ suppressed_cells(
        'cells', ['entry_term', 'ladder', 'slice'], column='slice_value', row='phase'
    ) }}
)

select
    entry_term,
    slice,
    case when phase = 'all' then ladder else phase end as phase,
    slice_value,
    n,
    is_suppressed
from decided
