/*
What is this? Nobody who objects to profiling has a persona or a likelihood.
When does it matter? It is their right, and the data-protection officer's first question.
How to resolve it? Keep the filter on has_objection in ftr_applicants.
*/
with

objectors as (
    select person_id from {{ ref('stg_persons') }}
    where profiling_objection
)

select personas.person_id, 'persona' as mart
from {{ ref('fct_applicant_personas') }} as personas
inner join objectors on personas.person_id = objectors.person_id
union all
select scores.person_id, 'score' as mart
from {{ ref('fct_enrollment_scores') }} as scores
inner join objectors on scores.person_id = objectors.person_id
