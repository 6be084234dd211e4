with

fitted as (
    select * from {{ ref('ml_persona_fit') }}
),

keys as (
    select
        run_id,
        item as persona_key,
        max(case when metric = 'first_run_id' then text end) as first_run_id,
        max(case when metric = 'last_run_id' then text end) as last_run_id,
        max(case when metric = 'status' then text end) as status
    from fitted
    where record = 'key'
    group by run_id, item
),

figures as (
    select
        item as persona_key,
        max(case when metric = 'share' then value end) as share,
        max(case when metric = 'far' then value end) as far,
        max(case when metric = 'jaccard' then value end) as stability,
        max(case when metric = 'noise_share' then value end) as noise_share,
        max(case when metric = 'noise_distance' then value end) as noise_distance
    from fitted
    where record = 'persona'
    group by item
)

select
    keys.run_id,
    keys.persona_key,
    keys.first_run_id,
    keys.last_run_id,
    keys.status,
    keys.status = 'active' as is_active,
    figures.share,
    figures.far,
    figures.stability,
    figures.noise_share,
    figures.noise_distance
from keys
left join figures on keys.persona_key = figures.persona_key
