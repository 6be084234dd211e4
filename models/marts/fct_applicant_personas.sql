with

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
    where is_persona_snapshot and is_primary
),

as_of as (
    select * from {{ ref('int_as_of') }}
)

select
    assignments.person_id,
    assignments.entry_term,
    as_of.as_of,
    as_of.is_static,
    cast(assignments.known_on as date) as known_on,
    assignments.application_id,
    assignments.run_id,
    assignments.persona_key,
    assignments.distance,
    assignments.second_persona_key,
    assignments.second_distance,
    assignments.confidence,
    assignments.confidence < {{ var('mixed_below') }} as is_mixed
from assignments
cross join as_of
