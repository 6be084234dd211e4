{# Where less of the personas' features is known, by their weight, the persona is a guess. #}
{%- set little_known_below = 0.5 -%}

with

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
    where is_persona_snapshot and is_primary
),

certainty as (
    select * from {{ ref('ml_persona_certainty') }}
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
    certainty.stability,
    assignments.observed_share,
    assignments.confidence < {{ var('mixed_below') }} as is_mixed,
    certainty.fits_no_persona,
    assignments.observed_share < {{ little_known_below }} as is_little_known,
    certainty.trait_1,
    certainty.trait_2,
    certainty.trait_3
from assignments
inner join certainty
    on assignments.application_id = certainty.application_id
    and assignments.known_on = certainty.known_on
cross join as_of
