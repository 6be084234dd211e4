{{ config(materialized='table') }}

{%- set stage_of_date = {
    'started_at': 'started', 'submitted_at': 'submitted', 'completed_at': 'complete',
    'admitted_at': 'admitted', 'denied_at': 'denied', 'deposited_at': 'deposited',
    'enrolled_at': 'enrolled', 'withdrawn_at': 'withdrawn',
} %}

with

applications as (
    select * from {{ ref('stg_applications') }}
),

recorded as (
    select
        application_id,
        mapped_stage as stage,
        occurred_at,
        {{ real_date('recorded_at') }} as recorded_at
    from {{ ref('stg_stage_events_reviewed') }}
    where diverted_by is null
),

dated as (
    {%- for column, stage in stage_of_date.items() %}
    select application_id, '{{ stage }}' as stage, {{ column }} as occurred_at
    from applications
    where {{ column }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- The history outranks the dates on the application, which systems overwrite.
added as (
    select dated.application_id, dated.stage, dated.occurred_at
    from dated
    left join recorded
        on dated.application_id = recorded.application_id
        and dated.stage = recorded.stage
    where recorded.application_id is null
),

events as (
    select
        application_id,
        stage,
        occurred_at,
        recorded_at,
        'stage_events' as event_source
    from recorded
    union all
    select
        application_id,
        stage,
        occurred_at,
        cast(null as timestamp) as recorded_at,
        'applications' as event_source
    from added
),

current_stages as (
    select
        applications.application_id,
        applications.current_stage as stage
    from applications
    left join events
        on applications.application_id = events.application_id
        and applications.current_stage = events.stage
    where applications.current_stage is not null
        and events.application_id is null
)

select
    application_id,
    stage,
    occurred_at,
    recorded_at,
    event_source,
    coalesce(recorded_at, occurred_at) as known_at
from events
union all
select
    application_id,
    stage,
    cast(null as timestamp) as occurred_at,
    cast(null as timestamp) as recorded_at,
    'current_stage' as event_source,
    cast(null as timestamp) as known_at
from current_stages
