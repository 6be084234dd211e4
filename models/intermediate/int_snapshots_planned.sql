with

snapshot_days as (
    select * from {{ ref('int_snapshot_days') }}
),

applications as (
    select * from {{ ref('int_applications_dated') }}
),

prospects as (
    select * from {{ ref('int_prospects') }}
),

-- Nothing that did not exist yet on the day.
applied as (
    select
        applications.application_id,
        applications.person_id,
        applications.program_code,
        applications.first_known_on,
        applications.applications_in_term,
        snapshot_days.*
    from applications
    inner join snapshot_days on applications.entry_term = snapshot_days.entry_term
    where applications.first_known_on is null
        or applications.first_known_on <= snapshot_days.known_on
),

-- Only applications with others beside them have to be numbered.
numbered as (
    select
        application_id,
        known_on,
        count(*) over (partition by person_id, entry_term, known_on) as applications_in_cycle,
        row_number() over (
            partition by person_id, entry_term, known_on
            order by first_known_on nulls last, application_id
        ) as application_number
    from applied
    where applications_in_term > 1
),

-- A person is a prospect until an application of theirs is known.
prospective as (
    select
        prospects.application_id,
        prospects.person_id,
        prospects.program_code,
        snapshot_days.*
    from prospects
    inner join snapshot_days on prospects.entry_term = snapshot_days.entry_term
    where (
            prospects.first_known_on is null
            or prospects.first_known_on <= snapshot_days.known_on
        )
        and (
            prospects.first_applied_on is null
            or prospects.first_applied_on > snapshot_days.known_on
        )
)

select
    applied.application_id,
    applied.known_on,
    applied.as_of,
    applied.person_id,
    applied.entry_term,
    applied.program_code,
    applied.term_order,
    applied.census_on,
    applied.days_to_census,
    applied.is_open,
    applied.is_closed,
    applied.is_static,
    false as is_prospect,
    applied.is_persona_day,
    applied.is_training_day,
    applied.is_enrollment_day,
    applied.is_backtest_day,
    cast(coalesce(numbered.applications_in_cycle, 1) as integer) as applications_in_cycle,
    cast(coalesce(numbered.application_number, 1) as integer) as application_number
from applied
left join numbered
    on applied.application_id = numbered.application_id
    and applied.known_on = numbered.known_on
union all
select
    application_id,
    known_on,
    as_of,
    person_id,
    entry_term,
    program_code,
    term_order,
    census_on,
    days_to_census,
    is_open,
    is_closed,
    is_static,
    true as is_prospect,
    is_persona_day,
    is_training_day,
    is_enrollment_day,
    is_backtest_day,
    1 as applications_in_cycle,
    1 as application_number
from prospective
