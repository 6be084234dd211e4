{{ config(materialized='table') }}
with

applications as (
    select application_id from {{ ref('stg_applications') }}
),

diverted_applications as (
    select
        application_id,
        min(diverted_by) as diverted_by
    from {{ ref('stg_applications_reviewed') }}
    where application_id is not null and diverted_by is not null
    group by application_id
),

stages as (
    {{ codes_of('stage_events', 'stage') }}
),

-- Of one event recorded twice the copy known first stays.
numbered as (
    select
        delivered.*,
        1 as _copy
    from {{ ref('input__stage_events') }} as delivered
    where not {{ is_repeated('stage_events', 'duplicate_event', 'delivered.application_id') }}
    union all
    select
        delivered.*,
        row_number() over (
            partition by delivered.application_id, stages.value, delivered.occurred_at
            order by
                delivered.recorded_at nulls last, delivered.stage,
                case when delivered._refused is null then 0 else 1 end
        ) as _copy
    from {{ ref('input__stage_events') }} as delivered
    left join stages on delivered.stage = stages.code
    where {{ is_repeated('stage_events', 'duplicate_event', 'delivered.application_id') }}
)

select
    numbered.*,
    stages.value as mapped_stage,
    case
        when numbered.application_id is null
            or numbered.stage is null
            or numbered.occurred_at is null
            then 'missing_key'
        when applications.application_id is null
            then coalesce(diverted_applications.diverted_by, 'orphan_application')
        when {{ real_date('numbered.occurred_at') }} is null then 'sentinel_date'
        when stages.value is null then 'unmapped_stage'
        when numbered._copy > 1 then 'duplicate_event'
    end as diverted_by
from numbered
left join applications on numbered.application_id = applications.application_id
left join diverted_applications
    on numbered.application_id = diverted_applications.application_id
left join stages on numbered.stage = stages.code
