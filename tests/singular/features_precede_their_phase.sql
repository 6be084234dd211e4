/*
What is this? No feature that becomes known after a phase has begun is used for that phase.
When does it matter? A deposit as a feature of yield would predict enrollment from its own result.
How to resolve it? Correct earliest_stage of the feature in the feature catalog.
*/
with

selection as (
    select * from {{ ref('ml_feature_selection') }}
    where kept and target <> 'persona'
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

stages as (
    select * from {{ ref('stages') }}
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
)

select
    selection.target,
    selection.feature,
    catalog.earliest_stage
from selection
inner join phases on selection.target = phases.phase
inner join catalog on selection.feature = catalog.feature
inner join stages as earliest on catalog.earliest_stage = earliest.stage
where earliest.stage_rank > phases.at_risk_rank or catalog.protected
