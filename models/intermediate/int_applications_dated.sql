with

applications as (
    select * from {{ ref('stg_applications') }}
),

first_events as (
    select
        application_id,
        min(cast(known_at as date)) as first_known_on
    from {{ ref('stg_stage_events') }}
    group by application_id
)

select
    applications.application_id,
    applications.person_id,
    applications.entry_term,
    applications.program_code,
    coalesce(first_events.first_known_on, cast(applications.started_at as date)) as first_known_on,
    count(*) over (
        partition by applications.person_id, applications.entry_term
    ) as applications_in_term
from applications
left join first_events on applications.application_id = first_events.application_id
