{{ config(materialized='table') }}

with

reviewed as (
    select * from {{ ref('stg_persons_reviewed') }}
),

-- What any record of a person forbids is forbidden.
wishes as (
    select
        surviving_person_id,
        max(case when profiling_objection then 1 else 0 end) as has_objection,
        max(case when not can_contact then 1 else 0 end) as refuses_contact
    from reviewed
    where surviving_person_id is not null
    group by surviving_person_id
),

residencies as (
    select code, value from {{ ref('xwalk_values') }} where code_set = 'residency'
),

persons as (
    select
        reviewed.*,
        residence.country as residence_code,
        citizenship.country as citizenship_code
    from reviewed
    left join {{ ref('xwalk_countries') }} as residence
        on {{ code_key('reviewed.country_of_residence') }} = {{ code_key('residence.code') }}
    left join {{ ref('xwalk_countries') }} as citizenship
        on {{ code_key('reviewed.country_of_citizenship') }} = {{ code_key('citizenship.code') }}
    where reviewed.diverted_by is null
)

select
    persons.person_id,
    {{ real_date('persons.created_at') }} as created_at,
    coalesce(persons.can_contact, false) and wishes.refuses_contact = 0 as can_contact,
    wishes.has_objection = 1 as profiling_objection,
    persons.residence_code as country_of_residence,
    persons.citizenship_code as country_of_citizenship,
    coalesce(
        residencies.value,
        case
            when coalesce(persons.citizenship_code, persons.residence_code)
                = upper('{{ var("home_country") }}') then 'domestic'
            when coalesce(persons.citizenship_code, persons.residence_code) is not null
                then 'international'
        end
    ) as residency,
    {{ in_range('persons', 'distance_km', 'persons') }} as distance_km,
    {{ in_range('persons', 'years_experience', 'persons') }} as years_experience,
    {{ in_range('persons', 'birth_year', 'persons') }} as birth_year,
    persons.is_own_alumnus,
    persons.intended_entry_term,
    persons.intended_program_code
    {{ extra_columns(ref('input__persons'), 'persons') }}
from persons
inner join wishes on persons.person_id = wishes.surviving_person_id
left join residencies on {{ code_key('persons.residency') }} = {{ code_key('residencies.code') }}
