with

fitted as (
    select * from {{ ref('ml_persona_fit') }}
    where record = 'centroid'
)

select
    run_id,
    item as persona_key,
    column_name,
    value
from fitted
