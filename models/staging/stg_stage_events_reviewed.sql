with

stage_events as (
    select * from {{ ref('input__stage_events') }}
),

stages as (
    select * from {{ ref('xwalk_stages') }}
),

applications as (
    select
        application_id,
        diverted_by,
        row_number() over (
            partition by application_id order by diverted_by nulls first
        ) as _choice
    from {{ ref('stg_applications_reviewed') }}
    where application_id is not null
),

-- Of one event recorded twice the copy known first stays.
numbered as (
    select
        stage_events.*,
        stages.stage as mapped_stage,
        row_number() over (
            partition by
                stage_events.application_id, stages.stage, stage_events.occurred_at
            order by
                stage_events.recorded_at nulls last, stage_events.stage,
                case when stage_events._refused is null then 0 else 1 end
        ) as _copy
    from stage_events
    left join stages on {{ code_key('stage_events.stage') }} = {{ code_key('stages.code') }}
)

select
    numbered.*,
    case
        when numbered.application_id is null
            or numbered.stage is null
            or numbered.occurred_at is null
            then 'missing_key'
        when applications.application_id is null then 'orphan_application'
        when applications.diverted_by is not null then applications.diverted_by
        when {{ real_date('numbered.occurred_at') }} is null then 'sentinel_date'
        when numbered.mapped_stage is null then 'unmapped_stage'
        when numbered._copy > 1 then 'duplicate_event'
    end as diverted_by
from numbered
left join applications
    on numbered.application_id = applications.application_id
    and applications._choice = 1
