with

applications as (
    select
        application_id,
        min(coalesce(diverted_by, '')) as diverted_by
    from {{ ref('stg_applications_reviewed') }}
    where application_id is not null
    group by application_id
),

mapped as (
    select
        stage_events.*,
        stages.stage as mapped_stage
    from {{ ref('input__stage_events') }} as stage_events
    left join {{ ref('xwalk_stages') }} as stages
        on {{ code_key('stage_events.stage') }} = {{ code_key('stages.code') }}
),

-- Only applications with two events at one moment have to be sorted.
busy_moments as (
    select distinct application_id from (
        select application_id from {{ ref('input__stage_events') }}
        where occurred_at is not null
        group by application_id, occurred_at having count(*) > 1
    ) as moments
),

-- Of one event recorded twice the copy known first stays.
numbered as (
    select
        mapped.*,
        1 as _copy
    from mapped
    left join busy_moments on mapped.application_id = busy_moments.application_id
    where busy_moments.application_id is null
    union all
    select
        mapped.*,
        row_number() over (
            partition by mapped.application_id, mapped.mapped_stage, mapped.occurred_at
            order by
                mapped.recorded_at nulls last, mapped.stage,
                case when mapped._refused is null then 0 else 1 end
        ) as _copy
    from mapped
    inner join busy_moments on mapped.application_id = busy_moments.application_id
)

select
    numbered.*,
    case
        when numbered.application_id is null
            or numbered.stage is null
            or numbered.occurred_at is null
            then 'missing_key'
        when applications.application_id is null then 'orphan_application'
        when applications.diverted_by <> '' then applications.diverted_by
        when {{ real_date('numbered.occurred_at') }} is null then 'sentinel_date'
        when numbered.mapped_stage is null then 'unmapped_stage'
        when numbered._copy > 1 then 'duplicate_event'
    end as diverted_by
from numbered
left join applications on numbered.application_id = applications.application_id
