{{ config(materialized='view') }}

with

applications as (
    {{ read_columns('applications', ['application_id', 'person_id']) }}
)

select distinct application_id
from applications
where application_id is not null
    and person_id in (select person_id from {{ ref('input__erased_person_ids') }})
