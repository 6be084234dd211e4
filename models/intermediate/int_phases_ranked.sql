{# From this stage on an outcome is reached once only: nobody enrolls in two programs. #}
{%- set once_only = 'registered' %}

with

phases as (
    {{ phases_as_rows() }}
),

stages as (
    select * from {{ ref('stages') }}
),

staged as (
    select
        phases.*,
        at_risk.stage_rank as at_risk_rank,
        outcome.stage_rank as outcome_rank
    from phases
    inner join stages as at_risk on phases.at_risk_stage = at_risk.stage
    inner join stages as outcome on phases.outcome_stage = outcome.stage
),

-- Phases of one outcome form a ladder; who reaches the next rung leaves this one.
climbed as (
    select
        *,
        row_number() over (partition by outcome_stage order by at_risk_rank) as rung,
        count(*) over (partition by outcome_stage) as n_rungs,
        lead(at_risk_rank) over (partition by outcome_stage order by at_risk_rank)
            as next_at_risk_rank,
        outcome_rank = max(outcome_rank) over () as is_main_outcome
    from staged
)

select
    phase,
    phase_order,
    at_risk_stage,
    outcome_stage,
    at_risk_rank,
    outcome_rank,
    case when is_main_outcome then 'all' else 'all_' || outcome_stage end as ladder,
    cast(rung as integer) as rung,
    cast(n_rungs as integer) as n_rungs,
    next_at_risk_rank,
    is_main_outcome,
    outcome_rank >= {{ stage_rank(once_only) }} as is_once_only,
    opens_days_to_census,
    closes_days_to_census
from climbed
