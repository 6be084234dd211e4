with

fitted as (
    select * from {{ ref('ml_persona_fit') }}
    where record = 'bootstrap'
)

select
    run_id,
    cast(number as integer) as draw,
    item as persona_key,
    column_name,
    value
from fitted
