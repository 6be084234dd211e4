/*
What is this? Every person who may be profiled has exactly one persona in each term they appear in,
unless the input has no persona feature and so no personas.
When does it matter? A gap means that people were lost between the spine and the assignment.
How to resolve it? Compare the row counts of int_applications_as_of, ftr_applicants and
ml_persona_assignments.
*/
with

expected as (
    select distinct person_id, entry_term from {{ ref('int_applications_as_of') }}
    where not has_objection and is_persona_snapshot
),

assigned as (
    select person_id, entry_term from {{ ref('fct_applicant_personas') }}
)

select expected.person_id, expected.entry_term
from expected
left join assigned
    on expected.person_id = assigned.person_id
    and expected.entry_term = assigned.entry_term
where assigned.person_id is null
    and exists (select 1 from {{ ref('dim_personas') }})
