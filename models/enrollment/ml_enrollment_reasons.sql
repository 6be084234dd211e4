with

fitted as (
    select * from {{ ref('ml_enrollment_fit') }}
    where record = 'reason'
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

labels as (
    select distinct feature, label from {{ ref('trait_phrases') }}
),

worded as (
    select
        fitted.phase,
        fitted.application_id,
        fitted.item as reason_rank,
        coalesce(labels.label, catalog.description, 'Persona')
        || case when fitted.value > 0 then ' raises' else ' lowers' end
        || ' the likelihood' as reason
    from fitted
    left join catalog on fitted.feature = catalog.feature
    left join labels on fitted.feature = labels.feature
)

select
    phase,
    application_id,
    max(case when reason_rank = '1' then reason end) as reason_1,
    max(case when reason_rank = '2' then reason end) as reason_2,
    max(case when reason_rank = '3' then reason end) as reason_3
from worded
group by phase, application_id
