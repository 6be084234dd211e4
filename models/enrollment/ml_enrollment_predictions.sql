{# A group of fewer rows than this leans on the rate over everyone. #}
{% set full_trust_rows = 30 %}

with

fitted as (
    select * from {{ ref('ml_enrollment_fit') }}
    where record = 'prediction'
),

enrollment_rows as (
    select * from {{ ref('ml_enrollment_rows') }}
),

cycles as (
    select distinct phase, entry_term, term_order from enrollment_rows
    where term_order is not null
),

-- What was finished before each cycle, and when the last of it was.
earlier as (
    select
        cycles.phase,
        cycles.entry_term as test_cycle,
        enrollment_rows.persona_key,
        enrollment_rows.residency,
        enrollment_rows.program,
        enrollment_rows.outcome,
        enrollment_rows.term_order,
        max(enrollment_rows.term_order) over (
            partition by cycles.phase, cycles.entry_term
        ) as last_order
    from cycles
    inner join enrollment_rows
        on cycles.phase = enrollment_rows.phase
        and cycles.term_order > enrollment_rows.term_order
    where enrollment_rows.outcome is not null
),

overall_rates as (
    select
        phase,
        test_cycle,
        sum(outcome) / cast(count(*) as double) as rate,
        sum(case when term_order = last_order then outcome end)
        / nullif(
            cast(sum(case when term_order = last_order then 1 else 0 end) as double), 0
        ) as last_rate
    from earlier
    group by phase, test_cycle
),

persona_rates as (
    select
        phase,
        test_cycle,
        persona_key,
        sum(outcome) as n_positive,
        count(*) as n
    from earlier
    group by phase, test_cycle, persona_key
),

previous_cycle_rates as (
    select
        phase,
        test_cycle,
        program,
        residency,
        sum(outcome) as n_positive,
        count(*) as n
    from earlier
    where term_order = last_order
    group by phase, test_cycle, program, residency
),

persona_baseline as (
    select
        enrollment_rows.phase,
        enrollment_rows.application_id,
        'persona_rate' as model,
        enrollment_rows.entry_term as test_cycle,
        {{ shrunken_rate('persona_rates', 'overall_rates.rate', full_trust_rows) }} as probability
    from enrollment_rows
    inner join overall_rates
        on enrollment_rows.phase = overall_rates.phase
        and enrollment_rows.entry_term = overall_rates.test_cycle
    left join persona_rates
        on enrollment_rows.phase = persona_rates.phase
        and enrollment_rows.entry_term = persona_rates.test_cycle
        and enrollment_rows.persona_key = persona_rates.persona_key
),

previous_cycle_baseline as (
    select
        enrollment_rows.phase,
        enrollment_rows.application_id,
        'previous_cycle_rate' as model,
        enrollment_rows.entry_term as test_cycle,
        {{ shrunken_rate('previous_cycle_rates', 'overall_rates.last_rate', full_trust_rows) }}
            as probability
    from enrollment_rows
    inner join overall_rates
        on enrollment_rows.phase = overall_rates.phase
        and enrollment_rows.entry_term = overall_rates.test_cycle
    left join previous_cycle_rates
        on enrollment_rows.phase = previous_cycle_rates.phase
        and enrollment_rows.entry_term = previous_cycle_rates.test_cycle
        and coalesce(enrollment_rows.program, '') = coalesce(previous_cycle_rates.program, '')
        and coalesce(enrollment_rows.residency, '') = coalesce(previous_cycle_rates.residency, '')
),

predictions as (
    select
        phase, application_id, model, test_cycle, item as score_kind, value as probability
    from fitted
    union all
    select phase, application_id, model, test_cycle, 'out_of_sample' as score_kind, probability
    from persona_baseline
    union all
    select phase, application_id, model, test_cycle, 'out_of_sample' as score_kind, probability
    from previous_cycle_baseline
),

runs as (
    select * from {{ ref('ml_enrollment_runs') }}
)

select
    runs.run_id,
    predictions.phase,
    predictions.application_id,
    predictions.model,
    predictions.test_cycle,
    predictions.score_kind,
    round(predictions.probability, 9) as probability,
    enrollment_rows.known_on,
    enrollment_rows.as_of,
    enrollment_rows.person_id,
    enrollment_rows.entry_term,
    enrollment_rows.is_open,
    enrollment_rows.persona_key,
    enrollment_rows.residency,
    enrollment_rows.program as program_code,
    enrollment_rows.outcome
from predictions
inner join enrollment_rows
    on predictions.phase = enrollment_rows.phase
    and predictions.application_id = enrollment_rows.application_id
inner join runs on predictions.phase = runs.phase
