{{ config(materialized='table') }}

with recursive

-- Copies of one id add up.
people as (
    select
        person_id,
        max(case when is_test then 1 else 0 end) as is_test,
        max(nullif(merged_into_person_id, person_id)) as merged_into_person_id
    from {{ ref('input__persons') }}
    where person_id is not null
    group by person_id
),

-- A target that the input does not hold is no target: the person stays.
merged as (
    select
        people.person_id,
        people.merged_into_person_id as target_id
    from people
    inner join people as targets on people.merged_into_person_id = targets.person_id
),

twins as (
    select twins.person_id, twins.target_id
    from {{ ref('stg_person_twins') }} as twins
    inner join people on twins.person_id = people.person_id
    where people.merged_into_person_id is null
),

links as (
    select person_id, target_id, 'merged' as status from merged
    union all
    select person_id, target_id, 'duplicate' as status from twins
),

-- `union` drops what was walked already, so that a cycle ends.
walks as (
    select person_id, target_id from links
    union
    select walks.person_id, links.target_id
    from walks
    inner join links on walks.target_id = links.person_id
),

survivors as (
    select
        walks.person_id,
        max(case when links.person_id is null then walks.target_id end) as surviving_person_id
    from walks
    left join links on walks.target_id = links.person_id
    group by walks.person_id
),

resolved as (
    select
        people.person_id as source_person_id,
        case
            when links.person_id is null then people.person_id
            else survivors.surviving_person_id
        end as person_id,
        links.status as link_status,
        people.is_test
    from people
    left join links on people.person_id = links.person_id
    left join survivors on people.person_id = survivors.person_id
),

judged as (
    select
        resolved.source_person_id,
        resolved.person_id,
        case
            when resolved.is_test = 1 or survivors.is_test = 1 then 'test'
            when resolved.person_id is null then 'merge_cycle'
            else coalesce(resolved.link_status, 'active')
        end as status
    from resolved
    left join people as survivors on resolved.person_id = survivors.person_id
)

select
    source_person_id,
    case when status in ('active', 'merged', 'duplicate') then person_id end as person_id,
    status
from judged
