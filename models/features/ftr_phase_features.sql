with

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

stages as (
    select * from {{ ref('stages') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
    where role in ('enrollment', 'both')
),

-- A feature may serve a phase only when it is known by the stage that puts people at risk.
allowed as (
    select
        phases.phase,
        phases.phase_order,
        catalog.feature,
        catalog.block,
        catalog.kind,
        catalog.role,
        catalog.priority,
        catalog.earliest_stage,
        earliest.stage_rank <= phases.at_risk_rank and not catalog.protected as is_allowed
    from catalog
    cross join phases
    inner join stages as earliest on catalog.earliest_stage = earliest.stage
)

select
    phase,
    phase_order,
    feature,
    block,
    kind,
    role,
    priority,
    earliest_stage,
    is_allowed
from allowed
