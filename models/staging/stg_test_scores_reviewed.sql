with

numbered as (
    {{ numbered_copies(
        ref('input__test_scores'), 'score_id',
        'received_at desc nulls last, ' ~ count_present(['value', 'test_date', 'status']) ~ ' desc'
    ) }}
),

ids as (
    select * from {{ ref('stg_person_ids') }}
),

erased as (
    select * from {{ ref('stg_erased_person_ids') }}
)

select
    numbered.*,
    ids.person_id as surviving_person_id,
    case
        when numbered.score_id is null or numbered.person_id is null then 'missing_key'
        {{ person_rule('ids', 'erased') }}
        when numbered._copy > 1 then 'duplicate_key'
    end as diverted_by
from numbered
left join ids on numbered.person_id = ids.source_person_id
left join erased on numbered.person_id = erased.person_id
