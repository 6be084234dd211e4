with

applications as (
    select * from {{ ref('int_applications_as_of') }}
),

stages_known as (
    select * from {{ ref('int_stages_known') }}
),

last_touches as (
    select * from {{ ref('int_engagement_known') }}
),

-- Deposits of people with several applications; nobody enrolls in two programs.
deposits as (
    select
        applications.person_id,
        applications.entry_term,
        applications.known_on,
        count(stages_known.deposited_on) as n_deposits
    from applications
    inner join stages_known
        on applications.application_id = stages_known.application_id
        and applications.known_on = stages_known.known_on
    where applications.applications_in_cycle > 1
    group by applications.person_id, applications.entry_term, applications.known_on
)

select
    applications.application_id,
    applications.known_on,
    {{ dbt.datediff('stages_known.started_on', 'stages_known.submitted_on', 'day') }}
        as days_to_submit,
    {{ dbt.datediff('stages_known.submitted_on', 'applications.census_on', 'day') }}
        as submitted_before_census,
    {{ dbt.datediff('stages_known.submitted_on', 'stages_known.decided_on', 'day') }}
        as days_in_review,
    {{ dbt.datediff('stages_known.admitted_on', 'applications.known_on', 'day') }}
        as days_since_admission,
    {{ dbt.datediff('stages_known.deposited_on', 'applications.known_on', 'day') }}
        as days_since_deposit,
    {{ dbt.datediff('last_touches.last_touch_on', 'applications.known_on', 'day') }}
        as days_since_last_touch,
    case
        when not applications.is_static then stages_known.deposited_on is not null
    end as has_deposited,
    case
        when not applications.is_static
            then coalesce(deposits.n_deposits, 0)
                > case when stages_known.deposited_on is not null then 1 else 0 end
    end as has_deposited_elsewhere
from applications
left join stages_known
    on applications.application_id = stages_known.application_id
    and applications.known_on = stages_known.known_on
left join last_touches
    on applications.application_id = last_touches.application_id
    and applications.known_on = last_touches.known_on
left join deposits
    on applications.person_id = deposits.person_id
    and applications.entry_term = deposits.entry_term
    and applications.known_on = deposits.known_on
