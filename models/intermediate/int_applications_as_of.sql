with

snapshots as (
    select * from {{ ref('int_snapshots_planned') }}
),

at_risk as (
    select distinct application_id, known_on from {{ ref('int_outcomes_labeled') }}
),

persons as (
    select * from {{ ref('stg_persons') }}
)

-- Days that do not serve personas are needed only where the application was at risk.
select
    snapshots.application_id,
    snapshots.known_on,
    snapshots.as_of,
    snapshots.person_id,
    snapshots.entry_term,
    snapshots.program_code,
    snapshots.term_order,
    snapshots.census_on,
    snapshots.days_to_census,
    snapshots.is_open,
    snapshots.is_closed,
    snapshots.is_static,
    snapshots.is_prospect,
    snapshots.application_number = 1 as is_primary,
    snapshots.is_persona_day as is_persona_snapshot,
    persons.profiling_objection as has_objection,
    persons.residency,
    case
        when persons.residency is not null then persons.residency = 'domestic'
    end as is_domestic,
    snapshots.applications_in_cycle,
    snapshots.application_number
from snapshots
inner join persons on snapshots.person_id = persons.person_id
left join at_risk
    on snapshots.application_id = at_risk.application_id
    and snapshots.known_on = at_risk.known_on
where snapshots.is_persona_day or at_risk.application_id is not null
