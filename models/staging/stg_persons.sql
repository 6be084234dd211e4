{{ config(materialized='table') }}

with

reviewed as (
    select * from {{ ref('stg_persons_reviewed') }}
),

-- What any record of a person forbids is forbidden: what the records that do not stay say.
wishes as (
    select
        surviving_person_id,
        max(case when profiling_objection then 1 else 0 end) as has_objection,
        max(case when not can_contact then 1 else 0 end) as refuses_contact
    from reviewed
    where surviving_person_id is not null and diverted_by is not null
    group by surviving_person_id
),

residences as (
    {{ codes_of('persons', 'country_of_residence') }}
),

citizenships as (
    {{ codes_of('persons', 'country_of_citizenship') }}
),

residencies as (
    {{ codes_of('persons', 'residency') }}
),

programs as (
    {{ codes_of('persons', 'intended_program_code') }}
),

persons as (
    select
        reviewed.*,
        residences.value as residence_code,
        citizenships.value as citizenship_code
    from reviewed
    left join residences on reviewed.country_of_residence = residences.code
    left join citizenships on reviewed.country_of_citizenship = citizenships.code
    where reviewed.diverted_by is null
)

select
    persons.person_id,
    {{ real_date('persons.created_at') }} as created_at,
    coalesce(persons.can_contact, false) and coalesce(wishes.refuses_contact, 0) = 0
        as can_contact,
    coalesce(persons.profiling_objection, false) or coalesce(wishes.has_objection, 0) = 1
        as profiling_objection,
    persons.residence_code as country_of_residence,
    persons.citizenship_code as country_of_citizenship,
    coalesce(
        residencies.value,
        case
            when coalesce(persons.citizenship_code, persons.residence_code)
                = upper({{ sql_string(var('home_country')) }}) then 'domestic'
            when coalesce(persons.citizenship_code, persons.residence_code) is not null
                then 'international'
        end
    ) as residency,
    persons.distance_km,
    persons.years_experience,
    persons.birth_year,
    persons.is_own_alumnus,
    persons.intended_entry_term,
    programs.value as intended_program_code
    {{ extra_columns(ref('input__persons'), 'persons') }}
from persons
left join wishes on persons.person_id = wishes.surviving_person_id
left join residencies on persons.residency = residencies.code
left join programs on persons.intended_program_code = programs.code
