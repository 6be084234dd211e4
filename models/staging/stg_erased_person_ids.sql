{{ config(materialized='view') }}

select distinct persons.person_id
from {{ ref('input__persons') }} as persons
left join {{ ref('stg_person_ids') }} as ids on persons.person_id = ids.source_person_id
where persons.person_id is not null
    and ids.source_person_id is null
