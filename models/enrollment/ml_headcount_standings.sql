with

days as (
    select * from {{ ref('ml_headcount_days') }}
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
    where is_main_outcome
),

labeled as (
    select * from {{ ref('int_outcomes_labeled') }}
),

predictions as (
    select * from {{ ref('ml_enrollment_predictions') }}
    where score_kind = 'out_of_sample'
        and is_standing
        and {{ in_part('person_id') }}
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
    where {{ in_part('person_id') }}
),

-- Who is not on the ladder has the persona of the last day.
reached as (
    select
        reached.*,
        assignments.persona_key
    from {{ ref('ml_headcount_reached') }} as reached
    left join assignments
        on reached.application_id = assignments.application_id
        and assignments.is_persona_snapshot
    where {{ in_part('reached.person_id') }}
),

-- What came of those who stood there on the same day of earlier cycles, for people without a
-- likelihood: those who object to profiling, and those in a phase without a model.
stage_rates as (
    select
        days.entry_term,
        days.known_on,
        phases.phase,
        count(labeled.outcome) as n,
        (coalesce(sum(labeled.outcome), 0) + 0.5) / (count(labeled.outcome) + 1.0) as rate
    from days
    cross join phases
    left join labeled
        on days.earlier_entry_term = labeled.entry_term
        and days.earlier_known_on = labeled.known_on
        and phases.phase = labeled.phase
    where days.is_open or not days.is_static
    group by days.entry_term, days.known_on, phases.phase
),

on_ladder as (
    select
        labeled.entry_term,
        labeled.known_on,
        labeled.application_id,
        labeled.person_id,
        labeled.program_code,
        assignments.persona_key,
        phases.phase,
        phases.rung,
        coalesce(predictions.likelihood, stage_rates.rate) as likelihood,
        predictions.person_likelihood,
        coalesce(predictions.n_training, stage_rates.n) as n_training,
        predictions.run_id,
        predictions.likelihood is not null as is_scored
    from labeled
    inner join phases on labeled.phase = phases.phase
    inner join stage_rates
        on labeled.entry_term = stage_rates.entry_term
        and labeled.known_on = stage_rates.known_on
        and labeled.phase = stage_rates.phase
    left join assignments
        on labeled.application_id = assignments.application_id
        and labeled.known_on = assignments.known_on
    left join predictions
        on labeled.application_id = predictions.application_id
        and labeled.known_on = predictions.known_on
        and labeled.phase = predictions.phase
    where labeled.is_standing and {{ in_part('labeled.person_id') }}
),

standings as (
    select
        on_ladder.phase,
        on_ladder.rung,
        on_ladder.likelihood,
        on_ladder.person_likelihood,
        on_ladder.n_training,
        on_ladder.run_id,
        {%- for column in [
            'entry_term', 'known_on', 'application_id', 'person_id', 'program_code', 'persona_key',
        ] %}
        coalesce(on_ladder.{{ column }}, reached.{{ column }}) as {{ column }},
        {%- endfor %}
        coalesce(on_ladder.is_scored, false) as is_scored,
        coalesce(reached.has_reached, false) as has_reached,
        coalesce(reached.outcome, 0) as outcome
    from on_ladder
    full outer join reached
        on on_ladder.application_id = reached.application_id
        and on_ladder.known_on = reached.known_on
)

select
    entry_term,
    known_on,
    application_id,
    person_id,
    coalesce(program_code, 'unknown') as program_code,
    coalesce(persona_key, 'none') as persona_key,
    has_reached,
    outcome,
    phase,
    rung,
    likelihood,
    person_likelihood,
    n_training,
    run_id,
    is_scored,
    row_number() over (
        partition by entry_term, known_on, person_id
        order by coalesce(rung, 0) desc, application_id asc
    ) = 1 as is_furthest
from standings
