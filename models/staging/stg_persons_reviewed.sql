{{ config(materialized='table') }}
with

numbered as (
    {{ numbered_copies(
        'persons', 'person_id',
        count_present([
            'country_of_residence', 'country_of_citizenship', 'residency', 'distance_km',
            'years_experience', 'birth_year', 'intended_entry_term', 'intended_program_code',
        ]) ~ ' desc, created_at desc nulls last'
    ) }}
),

ids as (
    select * from {{ ref('stg_person_ids') }}
)

select
    numbered.*,
    ids.person_id as surviving_person_id,
    case
        when numbered.person_id is null then 'missing_key'
        when ids.status <> 'active' then 'person_' || ids.status
        when numbered._copy > 1 then 'duplicate_key'
    end as diverted_by
from numbered
left join ids on numbered.person_id = ids.source_person_id
