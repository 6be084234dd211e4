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

-- What an application says of itself; its current stage where it gives no date for that.
stated as (
    {%- for column, stage in stage_of_date.items() %}
    select
        application_id,
        '{{ stage }}' as stage,
        {{ column }} as occurred_at,
        'applications' as event_source
    from applications
    where {{ column }} is not null
    union all
    {%- endfor %}
    select
        application_id,
        current_stage as stage,
        cast(null as timestamp) as occurred_at,
        'current_stage' as event_source
    from applications
    where current_stage is not null
        and case current_stage
            {%- for column, stage in stage_of_date.items() %}
            when '{{ stage }}' then {{ column }}
            {%- endfor %}
        end is null
),

-- The history outranks the dates on the application, which systems overwrite.
added as (
    select stated.*
    from stated
    left join recorded
        on stated.application_id = recorded.application_id
        and stated.stage = recorded.stage
    where recorded.application_id is null
)

select
    application_id,
    stage,
    occurred_at,
    recorded_at,
    'stage_events' as event_source,
    {{ known_at('recorded_at', 'occurred_at') }} as known_at
from recorded
union all
select
    application_id,
    stage,
    occurred_at,
    cast(null as timestamp) as recorded_at,
    event_source,
    occurred_at as known_at
from added
