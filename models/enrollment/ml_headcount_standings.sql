{%- set is_reached = 'not stages.is_exit and ' ~ proven_rank('stages') ~ ' >= ladder.outcome_rank' %}
{%- if var('deferrals') == 'enrolled' %}
{%- set is_reached = '(' ~ is_reached ~ " or stages.stage = 'deferred')" %}
{%- endif %}

with

compared_days as (
    select * from {{ ref('ml_headcount_days') }}
),

-- Without dates a closed cycle cannot be wound back.
days as (
    select distinct entry_term, known_on, days_to_census, is_static from compared_days
    where is_open or not is_static
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
    where is_main_outcome
),

ladder as (
    select distinct outcome_rank from phases
),

stages as (
    select * from {{ ref('stages') }}
),

applications as (
    select * from {{ ref('int_applications_dated') }}
),

snapshots as (
    select * from {{ ref('int_snapshots_planned') }}
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
),

predictions as (
    select * from {{ ref('ml_enrollment_predictions') }}
    where score_kind = 'out_of_sample' and is_standing
),

labeled as (
    select * from {{ ref('int_outcomes_labeled') }}
),

outcomes as (
    select
        risk_periods.application_id,
        max(case when risk_periods.has_outcome then 1 else 0 end) as outcome
    from {{ ref('int_risk_periods') }} as risk_periods
    inner join phases on risk_periods.phase = phases.phase
    group by risk_periods.application_id
),

reached as (
    select
        stage_events.application_id,
        min(case when {{ is_reached }} then cast(stage_events.known_at as date) end) as reached_on,
        {% if var('deferrals') == 'enrolled' -%}
        cast(null as date) as deferred_on
        {%- else -%}
        min(case when stages.stage = 'deferred' then cast(stage_events.known_at as date) end)
            as deferred_on
        {%- endif %}
    from {{ ref('stg_stage_events') }} as stage_events
    inner join stages on stage_events.stage = stages.stage
    cross join ladder
    group by stage_events.application_id
),

-- Who is known on the day to have reached the outcome, or reaches it in the end.
successful as (
    select
        days.entry_term,
        days.known_on,
        applications.application_id,
        applications.person_id,
        applications.program_code,
        outcomes.outcome,
        case
            when days.is_static then outcomes.outcome = 1
            else coalesce(reached.reached_on <= days.known_on, false)
                and coalesce(reached.deferred_on > days.known_on, true)
        end as has_reached
    from days
    inner join applications on days.entry_term = applications.entry_term
    inner join outcomes on applications.application_id = outcomes.application_id
    left join reached on applications.application_id = reached.application_id
    where outcomes.outcome = 1 or reached.reached_on <= days.known_on
),

-- What everyone reached who stood there on the same day of earlier cycles, for those without a
-- likelihood: people who object to profiling, and phases without a model.
stage_rates as (
    select
        compared_days.entry_term,
        compared_days.known_on,
        phases.phase,
        count(labeled.outcome) as n,
        (coalesce(sum(labeled.outcome), 0) + 0.5) / (count(labeled.outcome) + 1.0) as rate
    from compared_days
    cross join phases
    left join labeled
        on compared_days.earlier_entry_term = labeled.entry_term
        and compared_days.earlier_known_on = labeled.known_on
        and phases.phase = labeled.phase
    group by compared_days.entry_term, compared_days.known_on, phases.phase
),

on_ladder as (
    select
        labeled.entry_term,
        labeled.known_on,
        labeled.application_id,
        labeled.person_id,
        snapshots.program_code,
        phases.phase,
        phases.rung,
        coalesce(predictions.likelihood, stage_rates.rate) as likelihood,
        predictions.person_likelihood,
        coalesce(predictions.n_training, stage_rates.n) as n_training,
        predictions.run_id,
        predictions.likelihood is not null as is_scored
    from labeled
    inner join days
        on labeled.entry_term = days.entry_term
        and labeled.known_on = days.known_on
    inner join phases on labeled.phase = phases.phase
    inner join snapshots
        on labeled.application_id = snapshots.application_id
        and labeled.known_on = snapshots.known_on
    left join predictions
        on labeled.application_id = predictions.application_id
        and labeled.known_on = predictions.known_on
        and labeled.phase = predictions.phase
    inner join stage_rates
        on labeled.entry_term = stage_rates.entry_term
        and labeled.known_on = stage_rates.known_on
        and labeled.phase = stage_rates.phase
    where labeled.is_standing
),

standings as (
    select
        coalesce(on_ladder.entry_term, successful.entry_term) as entry_term,
        coalesce(on_ladder.known_on, successful.known_on) as known_on,
        coalesce(on_ladder.application_id, successful.application_id) as application_id,
        coalesce(on_ladder.person_id, successful.person_id) as person_id,
        coalesce(on_ladder.program_code, successful.program_code) as program_code,
        coalesce(successful.has_reached, false) as has_reached,
        coalesce(successful.outcome, 0) as outcome,
        on_ladder.phase,
        on_ladder.rung,
        on_ladder.likelihood,
        on_ladder.person_likelihood,
        on_ladder.n_training,
        on_ladder.run_id,
        coalesce(on_ladder.is_scored, false) as is_scored
    from on_ladder
    full outer join successful
        on on_ladder.application_id = successful.application_id
        and on_ladder.known_on = successful.known_on
)

select
    standings.entry_term,
    standings.known_on,
    standings.application_id,
    standings.person_id,
    coalesce(standings.program_code, 'unknown') as program_code,
    -- Who is not on the ladder has the persona of the last day.
    coalesce(assignments.persona_key, latest.persona_key, 'none') as persona_key,
    standings.has_reached,
    standings.outcome,
    standings.phase,
    standings.rung,
    standings.likelihood,
    standings.person_likelihood,
    standings.n_training,
    standings.run_id,
    standings.is_scored,
    row_number() over (
        partition by standings.entry_term, standings.known_on, standings.person_id
        order by standings.rung desc nulls last, standings.application_id
    ) = 1 as is_furthest
from standings
left join assignments
    on standings.application_id = assignments.application_id
    and standings.known_on = assignments.known_on
left join assignments as latest
    on standings.application_id = latest.application_id
    and latest.is_persona_snapshot
