with

applications as (
    select * from {{ ref('int_applications_as_of') }}
    where not is_prospect
),

stage_events as (
    select * from {{ ref('stg_stage_events') }}
),

stages as (
    select * from {{ ref('stages') }}
),

-- An undated event can only be placed in time when nothing is: in a static build.
known_events as (
    select
        applications.application_id,
        applications.known_on,
        stage_events.stage,
        cast(stage_events.occurred_at as date) as occurred_on,
        stages.stage_rank,
        stages.is_exit,
        {{ proven_rank('stages') }} as proven_rank
    from applications
    inner join stage_events on applications.application_id = stage_events.application_id
    inner join stages on stage_events.stage = stages.stage
    where
        applications.is_static
        or cast(stage_events.known_at as date) <= applications.known_on
)

select
    application_id,
    known_on,
    max(proven_rank) as reached_rank,
    max(case when is_exit then 1 else 0 end) = 1 as has_exited,
    min(case when stage = 'inquiry' then occurred_on end) as inquired_on,
    min(case when stage = 'started' then occurred_on end) as started_on,
    min(case when stage = 'submitted' then occurred_on end) as submitted_on,
    min(case when stage in ('admitted', 'admitted_conditional') then occurred_on end)
        as admitted_on,
    min(case when stage in ('admitted', 'admitted_conditional', 'denied') then occurred_on end)
        as decided_on,
    min(case when stage = 'deposited' then occurred_on end) as deposited_on
from known_events
group by application_id, known_on
