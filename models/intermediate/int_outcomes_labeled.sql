with

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

snapshots as (
    select * from {{ ref('int_snapshots_planned') }}
    where is_training_day or is_backtest_day
),

risk_periods as (
    select * from {{ ref('int_risk_periods') }}
)

select
    snapshots.application_id,
    snapshots.known_on,
    snapshots.as_of,
    snapshots.person_id,
    snapshots.entry_term,
    snapshots.program_code,
    snapshots.term_order,
    snapshots.days_to_census,
    snapshots.is_open,
    snapshots.is_closed,
    snapshots.is_training_day,
    snapshots.is_enrollment_day,
    snapshots.is_backtest_day,
    phases.phase,
    phases.phase_order,
    phases.outcome_stage,
    phases.ladder,
    risk_periods.stage_since,
    -- Without dates nobody knows on which rung a closed application stood: it counts on each that
    -- it reached, and is published on the first.
    not snapshots.is_static or not snapshots.is_closed or phases.rung = 1 as is_standing,
    case
        when snapshots.is_closed then cast(risk_periods.has_outcome as integer)
    end as outcome
from snapshots
inner join risk_periods on snapshots.application_id = risk_periods.application_id
inner join phases on risk_periods.phase = phases.phase
where (
        -- Without dates a closed cycle cannot be wound back: everyone who was at risk counts.
        (snapshots.is_static and (snapshots.is_closed or not risk_periods.was_left))
        or (
            not snapshots.is_static
            and risk_periods.at_risk_on <= snapshots.known_on
            and (risk_periods.left_on is null or risk_periods.left_on > snapshots.known_on)
        )
    )
    and (
        phases.opens_days_to_census is null
        or snapshots.days_to_census <= phases.opens_days_to_census
    )
    and (
        phases.closes_days_to_census is null
        or snapshots.days_to_census >= phases.closes_days_to_census
    )
    {%- if var('deferrals') == 'excluded' %}
    and (not snapshots.is_closed or not risk_periods.was_deferred)
    {%- endif %}
