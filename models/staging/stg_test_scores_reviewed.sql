{{ config(materialized='table') }}
with

numbered as (
    {{ numbered_copies(
        'test_scores', 'score_id',
        'received_at desc nulls last, ' ~ count_present(['value', 'test_date', 'status']) ~ ' desc'
    ) }}
),

ids as (
    select * from {{ ref('stg_person_ids') }}
)

select
    numbered.*,
    ids.person_id as surviving_person_id,
    case
        when numbered.score_id is null or numbered.person_id is null then 'missing_key'
        {{ person_rule('ids') }}
        when numbered._copy > 1 then 'duplicate_key'
    end as diverted_by
from numbered
left join ids on numbered.person_id = ids.source_person_id
