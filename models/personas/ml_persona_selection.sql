with

fitted as (
    select * from {{ ref('ml_persona_fit') }}
    where record = 'feature'
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

-- A stored fit may be of a catalog in which they were not yet barred.
barred as (
    select * from catalog
    where role in ('persona', 'both')
        and barred_from_personas is not null
        and feature not in (select fitted.feature from fitted)
),

run as (
    select distinct run_id from {{ ref('ml_persona_fit') }}
)

select
    fitted.run_id,
    fitted.feature,
    catalog.block,
    max(case when fitted.metric = 'kept' then fitted.value end) = 1 as kept,
    max(case when fitted.metric = 'reason' then fitted.text end) as reason,
    max(case when fitted.metric = 'weight' then fitted.value end) as weight,
    max(case when fitted.metric = 'share_missing' then fitted.value end) as share_missing,
    max(case when fitted.metric = 'variance' then fitted.value end) as variance,
    max(case when fitted.metric = 'most_correlated_feature' then fitted.text end)
        as most_correlated_feature,
    max(case when fitted.metric = 'correlation' then fitted.value end) as correlation
from fitted
left join catalog on fitted.feature = catalog.feature
group by fitted.run_id, fitted.feature, catalog.block
union all
select
    run.run_id,
    barred.feature,
    barred.block,
    false as kept,
    'Dropped: ' || barred.barred_from_personas || '.' as reason,
    cast(0 as double) as weight,
    cast(null as double) as share_missing,
    cast(null as double) as variance,
    cast(null as varchar) as most_correlated_feature,
    cast(null as double) as correlation
from barred
cross join run
