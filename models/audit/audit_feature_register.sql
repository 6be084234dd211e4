with

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

selection as (
    select * from {{ ref('rpt_feature_selection') }}
),

protected_attributes as (
    select distinct attribute from {{ ref('stg_protected_attributes') }}
),

-- Every model that a feature was considered for.
verdicts as (
    select
        feature,
        {{ dbt.listagg(
            "case when kept then case when target = 'persona' then 'personas' else target end end",
            "', '", 'order by target'
        ) }} as used_by,
        bool_or(kept) as is_used,
        min(case when not kept then reason end) as reason
    from selection
    group by feature
),

joined as (
    select
        catalog.*,
        verdicts.used_by,
        coalesce(verdicts.is_used, false) as is_used,
        verdicts.reason,
        protected_attributes.attribute is not null as is_audited
    from catalog
    left join verdicts on catalog.feature = verdicts.feature
    left join protected_attributes
        on catalog.source_column = 'protected_attributes.' || protected_attributes.attribute
)

select
    feature,
    label,
    description,
    block,
    kind,
    unit,
    source_column,
    origin,
    role,
    earliest_stage,
    protected,
    actionable,
    case
        when is_audited then 'audit'
        when is_used then used_by
    end as used_by,
    is_used or is_audited as is_used,
    case
        when is_audited then 'Read by the audit only.'
        when is_used then null
        when protected then 'Protected: read by the audit only, and the input lacks it.'
        when role in ('audit', 'never', 'describe') then 'Its role is ' || role || '.'
        else coalesce(reason, 'The input has no value of it.')
    end as not_used_because,
    barred_from_personas
from joined
