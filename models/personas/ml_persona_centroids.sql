with

fitted as (
    select * from {{ ref('ml_persona_fit') }}
)

select
    run_id,
    item as cluster,
    feature,
    value
from fitted
where record = 'centroid'
