{#- Weeks that are published: from a year before census to eight weeks after it, when the last
    enrollments have been recorded. -#}
{%- set first_day, last_day, most_weeks = 364, -56, 128 %}

with

snapshot_days as (
    select * from {{ ref('int_snapshot_days') }}
    where is_enrollment_day and days_to_census is not null
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

personas as (
    select * from {{ ref('fct_applicant_personas') }}
),

funnel_steps as (
    select * from {{ ref('int_funnel_steps') }}
    where known_on is not null
),

series as (
    {{ dbt.generate_series(most_weeks) }}
),

-- Weeks are counted from the build's own day of the term, so that it is one of the days.
calendars as (
    select
        entry_term,
        census_on,
        days_to_census as own_day,
        {{ dbt.datediff('as_of', 'census_on', 'day') }}
            as days_left,
        cast(greatest(0, floor(({{ first_day }} - days_to_census) / 7.0)) as integer) as first_week
    from snapshot_days
),

previous_cycles as (
    select
        calendars.entry_term,
        previous.entry_term as previous_entry_term,
        previous.census_on as previous_census_on
    from calendars
    inner join entry_terms on calendars.entry_term = entry_terms.entry_term
    inner join calendars as previous on entry_terms.previous_entry_term = previous.entry_term
),

profiled as (
    select
        funnel_steps.entry_term,
        funnel_steps.stage,
        funnel_steps.stage_rank,
        funnel_steps.known_on,
        coalesce(funnel_steps.program_code, 'unknown') as program_code,
        coalesce(personas.persona_key, 'none') as persona_key
    from funnel_steps
    left join personas
        on funnel_steps.person_id = personas.person_id
        and funnel_steps.entry_term = personas.entry_term
),

-- Every step counts in its own cycle, and as the previous one of another.
compared as (
    select
        profiled.*,
        calendars.entry_term as cycle,
        calendars.census_on,
        1 as n,
        0 as n_previous
    from profiled
    inner join calendars on profiled.entry_term = calendars.entry_term
    union all
    select
        profiled.*,
        previous_cycles.entry_term as cycle,
        previous_cycles.previous_census_on as census_on,
        0 as n,
        1 as n_previous
    from profiled
    inner join previous_cycles on profiled.entry_term = previous_cycles.previous_entry_term
),

-- The last week before which the step was known; those of long ago are in the first week.
placed as (
    select
        compared.cycle,
        compared.persona_key,
        compared.program_code,
        compared.stage,
        compared.stage_rank,
        least(calendars.first_week, cast(floor(
            ({{ dbt.datediff('compared.known_on', 'compared.census_on', 'day') }}
            - calendars.own_day) / 7.0
        ) as integer)) as week,
        sum(compared.n) as n,
        sum(compared.n_previous) as n_previous
    from compared
    inner join calendars on compared.cycle = calendars.entry_term
    group by
        compared.cycle, compared.persona_key, compared.program_code, compared.stage,
        compared.stage_rank, week
),

views as (
    select false as of_all_personas, false as of_all_programs
    union all
    select false as of_all_personas, true as of_all_programs
    union all
    select true as of_all_personas, false as of_all_programs
    union all
    select true as of_all_personas, true as of_all_programs
),

viewed as (
    select
        placed.cycle,
        placed.stage,
        placed.stage_rank,
        placed.week,
        case when views.of_all_personas then 'all' else placed.persona_key end as persona_key,
        case when views.of_all_programs then 'all' else placed.program_code end as program_code,
        placed.n,
        placed.n_previous
    from placed
    cross join views
),

totaled as (
    select
        cycle,
        stage,
        stage_rank,
        week,
        persona_key,
        program_code,
        sum(n) as n,
        sum(n_previous) as n_previous
    from viewed
    group by cycle, stage, stage_rank, week, persona_key, program_code
),

cells as (
    select distinct cycle, persona_key, program_code, stage, stage_rank from totaled
),

days as (
    select
        calendars.entry_term,
        calendars.census_on,
        calendars.own_day,
        calendars.first_week - cast(series.generated_number as integer) + 1 as week
    from calendars
    cross join series
    where calendars.own_day + 7 * (calendars.first_week - series.generated_number + 1)
        >= greatest({{ last_day }}, calendars.days_left)
),

cumulated as (
    select
        cells.*,
        days.week,
        days.own_day + 7 * days.week as days_to_census,
        days.census_on,
        sum(coalesce(totaled.n, 0)) over known_by_then as n,
        sum(coalesce(totaled.n_previous, 0)) over known_by_then as n_previous
    from cells
    inner join days on cells.cycle = days.entry_term
    left join totaled
        on cells.cycle = totaled.cycle
        and cells.persona_key = totaled.persona_key
        and cells.program_code = totaled.program_code
        and cells.stage = totaled.stage
        and days.week = totaled.week
    window known_by_then as (
        partition by cells.cycle, cells.persona_key, cells.program_code, cells.stage
        order by days.week desc
        rows between unbounded preceding and current row
    )
)

{%- set table = ['cycle', 'stage', 'week'] %}
{%- for period, n in [('present', 'n'), ('previous', 'n_previous')] %},

{{ period }}_cells as (
    select cycle, stage, week, persona_key, program_code, {{ n }} as n from cumulated
),

{{ period }}_shown as (
    select cycle, stage, week, persona_key, program_code, cast(n as bigint) as n
    from ({{ suppressed_cells(
        period ~ '_cells', table, column='persona_key', row='program_code'
    ) }}) as decided
    where not is_suppressed and n > 0
)
{%- endfor %}

select
    cumulated.cycle as entry_term,
    cast(cumulated.days_to_census as integer) as days_to_census,
    cast({{ dbt.dateadd('day', '-cumulated.days_to_census', 'cumulated.census_on') }} as date)
        as known_on,
    cumulated.week = 0 as is_own_day,
    cumulated.persona_key,
    cumulated.program_code,
    cumulated.stage,
    cumulated.stage_rank,
    previous_cycles.previous_entry_term,
    present_shown.n as n_reached,
    previous_shown.n as n_reached_previous_cycle
from cumulated
{%- for period in ['present', 'previous'] %}
left join {{ period }}_shown
    on {{ same_keys(
        period ~ '_shown', 'cumulated', table + ['persona_key', 'program_code']
    ) }}
{%- endfor %}
left join previous_cycles on cumulated.cycle = previous_cycles.entry_term
where cumulated.persona_key <> 'none'
    and coalesce(present_shown.n, previous_shown.n) is not null
