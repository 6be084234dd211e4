with

phases as (
    {{ phases_as_rows() }}
),

stages as (
    select * from {{ ref('stages') }}
)

select
    phases.phase,
    phases.phase_order,
    phases.at_risk_stage,
    phases.outcome_stage,
    at_risk.stage_rank as at_risk_rank,
    outcome.stage_rank as outcome_rank,
    phases.opens_days_to_census,
    phases.closes_days_to_census
from phases
inner join stages as at_risk on phases.at_risk_stage = at_risk.stage
inner join stages as outcome on phases.outcome_stage = outcome.stage
