{{ config(materialized='view') }}

{%- set attributes = [
    'created_at', 'can_contact', 'profiling_objection', 'country_of_residence',
    'country_of_citizenship', 'residency', 'distance_km', 'years_experience', 'birth_year',
    'is_own_alumnus', 'intended_entry_term', 'intended_program_code',
] %}

with

candidates as (
    select * from {{ ref('input__persons') }}
    where person_id is not null
        and merged_into_person_id is null
        and not coalesce(is_test, false)
        -- A moment tells people apart; a mere day does not.
        and created_at <> cast(created_at as date)
        and {{ count_present(['distance_km', 'years_experience', 'birth_year']) }} >= 2
),

same_moment as (
    select created_at from candidates
    group by created_at having count(distinct person_id) > 1
),

compared as (
    select
        candidates.person_id,
        min(candidates.person_id) over (
            partition by
                {%- for attribute in attributes %}
                candidates.{{ attribute }}{{ ',' if not loop.last }}
                {%- endfor %}
                {{ extra_columns(ref('input__persons'), 'candidates') }}
        ) as target_id
    from candidates
    inner join same_moment on candidates.created_at = same_moment.created_at
)

select distinct person_id, target_id
from compared
where person_id <> target_id
