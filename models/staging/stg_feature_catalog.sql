{{ config(materialized='table') }}

with

shipped as (
    select * from {{ ref('feature_catalog') }}
),

stages as (
    select * from {{ ref('stages') }}
),

brought as (
    select
        *,
        row_number() over (
            partition by lower(trim(feature))
            order by source_column, kind, role, description
        ) as copy
    from {{ ref('input__feature_catalog') }}
    where feature is not null
),

-- What a user leaves out gets the cautious value: known late, described by its own name.
typed as (
    select
        lower(trim(feature)) as feature,
        coalesce(lower(block), 'profile') as block,
        lower(trim(source_column)) as source_column,
        coalesce(lower(kind), 'number') as kind,
        coalesce(
            lower(transform), case when lower(kind) = 'count' then 'log1p' else 'none' end
        ) as transform,
        coalesce(lower(earliest_stage), 'submitted') as earliest_stage,
        coalesce(
            lower(role), case when lower(kind) = 'category' then 'enrollment' else 'both' end
        ) as role,
        coalesce(absence_is_choice, false) as absence_is_choice,
        coalesce(protected, false) or feature in (
            select shipped.feature from shipped
            where shipped.protected
        ) as protected,
        coalesce(actionable, false) as actionable,
        coalesce(priority, 100) as priority,
        trim(unit) as unit,
        coalesce(trim(label), {{ name_as_words('feature', 'kind') }}) as label,
        coalesce(description, label, feature) as description,
        'user' as origin
    from brought
    where copy = 1
),

merged as (
    select
        shipped.feature,
        shipped.block,
        shipped.source_column,
        shipped.kind,
        shipped.transform,
        shipped.earliest_stage,
        shipped.role,
        shipped.absence_is_choice,
        shipped.protected,
        shipped.actionable,
        shipped.priority,
        shipped.unit,
        shipped.label,
        shipped.description,
        'shipped' as origin
    from shipped
    left join typed on shipped.feature = typed.feature
    where typed.feature is null
    union all
    select
        feature, block, source_column, kind, transform, earliest_stage, role, absence_is_choice,
        protected, actionable, priority,
        -- A count is counted in what its label says.
        coalesce(unit, case when kind = 'count' then {{ within_sentence('label') }} end) as unit,
        label, description, origin
    from typed
)

select
    merged.*,
    case
        when merged.protected then 'a protected attribute'
        when {{ is_origin_or_age('merged') }}
            then 'tells where people come from, or how old they are'
        when {{ tells_the_decision('merged') }} then 'tells the offer, or what came of it'
        when stages.stage_rank >= {{ stage_rank('admitted') }}
            then 'first known at the stage ' || merged.earliest_stage
                || ', and personas see only what is known up to the admission decision'
    end as barred_from_personas
from merged
left join stages on merged.earliest_stage = stages.stage
