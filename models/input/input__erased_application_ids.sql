{{ config(materialized='view') }}

with

applications as (
    {{ read_columns('applications', ['application_id', 'person_id']) }}
),

-- Only an unreadable line says whose application it is.
orphans as (
    select mentioned.application_id
    from (
        {{ read_columns('stage_events', ['application_id']) }}
        union all
        {{ read_columns('interactions', ['application_id']) }}
    ) as mentioned
    inner join (
        {{ values_of_erased_lines('applications') }}
    ) as beside on mentioned.application_id = beside.value
    left join applications on mentioned.application_id = applications.application_id
    where applications.application_id is null
)

select application_id
from applications
where application_id is not null
    and person_id in (select person_id from {{ ref('input__erased_person_ids') }})
union
select application_id from orphans
