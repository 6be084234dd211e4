with

fitted as (
    select phase, application_id, feature, item, value, text
    from {{ ref('ml_enrollment_fit') }}
    where record = 'reason'
    union all
    select phase, application_id, feature, item, value, text
    from {{ ref('ml_backtest_fit') }}
    where record = 'reason'
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

names as (
    select * from {{ ref('ml_persona_names') }}
),

worded as (
    select
        fitted.phase,
        fitted.application_id,
        fitted.item as reason_rank,
        coalesce(catalog.label, 'Persona') || ': '
        || case
            when fitted.text is null then 'not known'
            when catalog.kind = 'boolean' then case when fitted.text = '1' then 'yes' else 'no' end
            else coalesce(names.persona_name, fitted.text)
        end
        || case when fitted.value > 0 then ' (raises)' else ' (lowers)' end as reason
    from fitted
    left join catalog on fitted.feature = catalog.feature
    left join names on fitted.text = names.persona_key
)

select
    phase,
    application_id,
    max(case when reason_rank = '1' then reason end) as reason_1,
    max(case when reason_rank = '2' then reason end) as reason_2,
    max(case when reason_rank = '3' then reason end) as reason_3
from worded
group by phase, application_id
