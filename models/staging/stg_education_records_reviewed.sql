{{ config(materialized='table') }}
with

numbered as (
    {{ numbered_copies(
        'education_records', 'education_id',
        'received_at desc nulls last, ' ~ count_present([
            'gpa_value', 'gpa_scale_max', 'country', 'graduated_on',
        ]) ~ ' desc'
    ) }}
),

ids as (
    select * from {{ ref('stg_person_ids') }}
)

select
    numbered.*,
    ids.person_id as surviving_person_id,
    case
        when numbered.education_id is null or numbered.person_id is null then 'missing_key'
        {{ person_rule('ids') }}
        when numbered._copy > 1 then 'duplicate_key'
    end as diverted_by
from numbered
left join ids on numbered.person_id = ids.source_person_id
