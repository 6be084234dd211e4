with

clusters as (
    select
        run_id,
        item as cluster,
        max(case when feature = 'jaccard' then value end) as stability
    from {{ ref('ml_persona_fit') }}
    where record = 'cluster'
    group by run_id, item
)

select
    run_id,
    cluster,
    'persona_' || cluster as persona_key,
    stability
from clusters
