{{ config(materialized='view') }}

with recursive

listed as (
    select distinct person_id from {{ ref('input__erasure_list') }}
    where person_id is not null
),

persons as (
    {{ read_columns('persons', ['person_id', 'merged_into_person_id', 'is_deleted']) }}
),

deleted as (
    select distinct person_id from persons
    where is_deleted and person_id is not null
),

redirects as (
    select distinct person_id, merged_into_person_id as target_id
    from persons
    where merged_into_person_id <> person_id
),

-- A target that is nowhere is no target.
targets as (
    select person_id from persons
    where person_id in (select redirects.target_id from redirects)
    union
    select person_id from listed
),

merged as (
    select redirects.person_id, redirects.target_id
    from redirects
    inner join targets on redirects.target_id = targets.person_id
),

-- From each deleted record along its merges.
walks as (
    select person_id, person_id as target_id from deleted
    union
    select walks.person_id, merged.target_id
    from walks
    inner join merged on walks.target_id = merged.person_id
),

-- A deleted record that ends in a living one was merged, not erased.
survived as (
    select walks.person_id
    from walks
    left join merged on walks.target_id = merged.person_id
    left join deleted on walks.target_id = deleted.person_id
    where merged.person_id is null and deleted.person_id is null
),

ties as (
    select person_id, target_id as other_id from merged
    union all
    select target_id as person_id, person_id as other_id from merged
),

-- All records of one human go together.
erased as (
    select person_id from listed
    union
    select person_id from deleted
    where person_id not in (select person_id from survived)
    union
    select ties.other_id as person_id
    from erased
    inner join ties on erased.person_id = ties.person_id
)

select person_id from erased
