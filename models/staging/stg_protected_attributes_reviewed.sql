{{ config(materialized='table') }}
with

attributes as (
    select * from {{ ref('input__protected_attributes') }}
),

ids as (
    select * from {{ ref('stg_person_ids') }}
),

-- Records of one person may be merged: what the surviving record says stays.
numbered as (
    select
        attributes.*,
        ids.person_id as surviving_person_id,
        ids.status as person_status,
        ids.source_person_id,
        row_number() over (
            partition by coalesce(ids.person_id, attributes.person_id), lower(attributes.attribute)
            order by
                case when ids.status = 'active' then 0 else 1 end,
                attributes.value nulls last, attributes.person_id
        ) as _copy
    from attributes
    left join ids on attributes.person_id = ids.source_person_id
)

select
    numbered.*,
    case
        when numbered.person_id is null or numbered.attribute is null then 'missing_key'
        when numbered.person_status in ('test', 'merge_cycle')
            then 'person_' || numbered.person_status
        when numbered.source_person_id is null then 'orphan_person'
        when numbered._copy > 1 then 'duplicate_key'
    end as diverted_by
from numbered
