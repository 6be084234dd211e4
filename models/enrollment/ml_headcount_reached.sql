{%- set is_reached = 'not stages.is_exit and ' ~ proven_rank('stages')
    ~ ' >= ladder.outcome_rank' %}
{%- if var('deferrals') == 'enrolled' %}
{%- set is_reached = '(' ~ is_reached ~ ") or stages.stage = 'deferred'" %}
{%- endif %}

with

-- Without dates a closed cycle cannot be wound back.
days as (
    select distinct
        entry_term,
        known_on,
        is_static
    from {{ ref('ml_headcount_days') }}
    where is_open or not is_static
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
    where is_main_outcome
),

ladder as (
    select distinct outcome_rank from phases
),

stages as (
    select * from {{ ref('stages') }}
),

applications as (
    select * from {{ ref('int_applications_dated') }}
),

outcomes as (
    select
        risk_periods.application_id,
        max(case when risk_periods.has_outcome then 1 else 0 end) as outcome
    from {{ ref('int_risk_periods') }} as risk_periods
    inner join phases on risk_periods.phase = phases.phase
    group by risk_periods.application_id
),

events as (
    select
        stage_events.application_id,
        min(case when {{ is_reached }} then cast(stage_events.known_at as date) end)
            as reached_on,
        min(
            {%- if var('deferrals') == 'enrolled' %}
            cast(null as date)
            {%- else %}
            case when stages.stage = 'deferred' then cast(stage_events.known_at as date) end
            {%- endif %}
        ) as lost_on
    from {{ ref('stg_stage_events') }} as stage_events
    inner join stages on stage_events.stage = stages.stage
    cross join ladder
    group by stage_events.application_id
),

known as (
    select
        days.entry_term,
        days.known_on,
        applications.application_id,
        applications.person_id,
        applications.program_code,
        case
            when days.is_static then outcomes.outcome = 1
            else coalesce(events.reached_on <= days.known_on, false)
                and coalesce(events.lost_on > days.known_on, true)
        end as has_reached,
        outcomes.outcome
    from days
    inner join applications on days.entry_term = applications.entry_term
    inner join outcomes on applications.application_id = outcomes.application_id
    inner join events on applications.application_id = events.application_id
)

select * from known
where has_reached or outcome = 1
