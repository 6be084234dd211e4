with

reasons as (
    select * from {{ ref('ml_enrollment_scores') }}
    where record = 'reason'
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

phrases as (
    select * from {{ ref('reason_phrases') }}
),

names as (
    select * from {{ ref('ml_persona_names') }}
),

worded as (
    select
        reasons.phase,
        reasons.application_code,
        reasons.feature,
        reasons.metric,
        reasons.item,
        reasons.value,
        coalesce(catalog.actionable, false) as is_actionable,
        coalesce(
            phrases.phrase,
            'Persona: ' || names.persona_name,
            coalesce(catalog.label, 'Persona') || case
                when reasons.text is null then ' not known'
                when catalog.kind = 'boolean'
                    then ': ' || case when reasons.text = '1' then 'yes' else 'no' end
                else ': ' || reasons.text
            end
        ) || ' (' || reasons.metric || ')' as reason
    from reasons
    left join catalog on reasons.feature = catalog.feature
    left join phrases
        on reasons.feature = phrases.feature
        and coalesce(reasons.text, 'missing') = phrases.feature_value
    left join names on reasons.text = names.persona_key and reasons.feature = 'persona_key'
),

ranked as (
    select
        *,
        row_number() over (
            partition by phase, application_code order by round(abs(value), 9) desc, feature asc
        ) as reason_rank
    from worded
)

select
    phase,
    application_code,
    {%- for rank in [1, 2, 3] %}
    max(case when reason_rank = {{ rank }} then reason end) as reason_{{ rank }},
    max(case when reason_rank = {{ rank }} and is_actionable then 1 else 0 end) = 1
        as reason_{{ rank }}_is_actionable,
    {%- endfor %}
    max(case when metric = 'raises' and item = '1' then reason end) as raising_reason,
    max(case when metric = 'lowers' and item = '1' then reason end) as lowering_reason
from ranked
group by phase, application_code
