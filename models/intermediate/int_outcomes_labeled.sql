with

phases as (
    {{ phases_as_rows() }}
),

stages as (
    select * from {{ ref('stages') }}
),

applications as (
    select * from {{ ref('int_applications_as_of') }}
    where is_enrollment_snapshot
),

stages_known as (
    select * from {{ ref('int_stages_known') }}
),

stage_events as (
    select * from {{ ref('stg_stage_events') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

ranked_phases as (
    select
        phases.phase,
        phases.phase_order,
        at_risk.stage_rank as at_risk_rank,
        outcome.stage_rank as outcome_rank
    from phases
    inner join stages as at_risk on phases.at_risk_stage = at_risk.stage
    inner join stages as outcome on phases.outcome_stage = outcome.stage
),

-- The end of the story as the build's day knows it; undated events count in the end.
final_stages as (
    select
        stage_events.application_id,
        max(case when not stages.is_exit then stages.stage_rank else 0 end) as final_rank
    from stage_events
    inner join stages on stage_events.stage = stages.stage
    cross join as_of
    where stage_events.known_at is null
        or cast(stage_events.known_at as date) <= as_of.as_of
    group by stage_events.application_id
),

labeled as (
    select
        applications.application_id,
        applications.known_on,
        applications.as_of,
        applications.person_id,
        applications.entry_term,
        applications.term_order,
        applications.is_open,
        ranked_phases.phase,
        ranked_phases.phase_order,
        stages_known.reached_rank >= ranked_phases.at_risk_rank as is_at_risk,
        stages_known.reached_rank < ranked_phases.outcome_rank
        and not stages_known.has_exited as is_undecided,
        applications.is_static,
        case
            when not applications.is_open
                then coalesce(final_stages.final_rank >= ranked_phases.outcome_rank, false)
        end as has_outcome
    from applications
    inner join stages_known
        on applications.application_id = stages_known.application_id
        and applications.known_on = stages_known.known_on
    left join final_stages on applications.application_id = final_stages.application_id
    cross join ranked_phases
)

select
    application_id,
    known_on,
    as_of,
    person_id,
    entry_term,
    term_order,
    is_open,
    phase,
    phase_order,
    cast(has_outcome as integer) as outcome
from labeled
-- Without dates a closed cycle cannot be wound back: everyone who was at risk counts.
where is_at_risk and (is_undecided or (is_static and not is_open))
