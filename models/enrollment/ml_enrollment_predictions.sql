{# A group of fewer rows than this leans on the rate over everyone. #}
{% set full_trust_rows = 30 %}

with

open_rows as (
    select * from {{ ref('ml_enrollment_rows') }}
    where is_open
),

closed_rows as (
    select * from {{ ref('ml_backtest_rows') }}
),

everyone as (
    select * from open_rows
    union all
    select * from closed_rows
),

-- On every day; the enrollment day, which the open cycle shares, has no offset.
at_risk as (
    select
        *,
        case when not is_enrollment_day then days_to_census end as offset_days
    from everyone
),

fitted as (
    {%- for fit, own_day in [
        ('ml_enrollment_fit', 'at_risk.is_enrollment_day'),
        ('ml_backtest_fit', 'predictions.days_to_census is not distinct from at_risk.days_to_census'),
    ] %}
    select
        predictions.phase,
        predictions.application_id,
        at_risk.known_on,
        predictions.model,
        predictions.test_cycle,
        predictions.item as score_kind,
        predictions.value as probability
    from {{ ref(fit) }} as predictions
    inner join at_risk
        on predictions.phase = at_risk.phase
        and predictions.application_id = at_risk.application_id
        and {{ own_day }}
    where predictions.record = 'prediction'
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

-- What a model of earlier cycles predicts is what the baselines predict.
tested as (
    select distinct
        at_risk.phase,
        at_risk.entry_term as test_cycle,
        at_risk.term_order,
        at_risk.offset_days
    from at_risk
    inner join fitted
        on at_risk.phase = fitted.phase
        and at_risk.application_id = fitted.application_id
        and at_risk.known_on = fitted.known_on
    where fitted.score_kind = 'out_of_sample'
),

-- What was finished before each cycle, on the same day, and when the last of it was.
earlier as (
    select
        tested.phase,
        tested.test_cycle,
        tested.offset_days,
        at_risk.persona_key,
        at_risk.residency,
        at_risk.program,
        at_risk.outcome,
        at_risk.term_order,
        max(at_risk.term_order) over (
            partition by tested.phase, tested.test_cycle, tested.offset_days
        ) as last_order
    from tested
    inner join at_risk
        on tested.phase = at_risk.phase
        and tested.offset_days is not distinct from at_risk.offset_days
        and tested.term_order > at_risk.term_order
    where at_risk.outcome is not null
),

overall_rates as (
    select
        phase,
        test_cycle,
        offset_days,
        sum(outcome) / cast(count(*) as double) as rate,
        sum(case when term_order = last_order then outcome end)
        / nullif(
            cast(sum(case when term_order = last_order then 1 else 0 end) as double), 0
        ) as last_rate
    from earlier
    group by phase, test_cycle, offset_days
),

persona_rates as (
    select
        phase,
        test_cycle,
        offset_days,
        persona_key,
        sum(outcome) as n_positive,
        count(*) as n
    from earlier
    group by phase, test_cycle, offset_days, persona_key
),

previous_cycle_rates as (
    select
        phase,
        test_cycle,
        offset_days,
        program,
        residency,
        sum(outcome) as n_positive,
        count(*) as n
    from earlier
    where term_order = last_order
    group by phase, test_cycle, offset_days, program, residency
),

persona_baseline as (
    select
        at_risk.phase,
        at_risk.application_id,
        at_risk.known_on,
        'persona_rate' as model,
        at_risk.entry_term as test_cycle,
        {{ shrunken_rate('persona_rates', 'overall_rates.rate', full_trust_rows) }} as probability
    from at_risk
    inner join overall_rates
        on at_risk.phase = overall_rates.phase
        and at_risk.entry_term = overall_rates.test_cycle
        and at_risk.offset_days is not distinct from overall_rates.offset_days
    left join persona_rates
        on at_risk.phase = persona_rates.phase
        and at_risk.entry_term = persona_rates.test_cycle
        and at_risk.offset_days is not distinct from persona_rates.offset_days
        and at_risk.persona_key = persona_rates.persona_key
),

previous_cycle_baseline as (
    select
        at_risk.phase,
        at_risk.application_id,
        at_risk.known_on,
        'previous_cycle_rate' as model,
        at_risk.entry_term as test_cycle,
        {{ shrunken_rate('previous_cycle_rates', 'overall_rates.last_rate', full_trust_rows) }}
            as probability
    from at_risk
    inner join overall_rates
        on at_risk.phase = overall_rates.phase
        and at_risk.entry_term = overall_rates.test_cycle
        and at_risk.offset_days is not distinct from overall_rates.offset_days
    left join previous_cycle_rates
        on at_risk.phase = previous_cycle_rates.phase
        and at_risk.entry_term = previous_cycle_rates.test_cycle
        and at_risk.offset_days is not distinct from previous_cycle_rates.offset_days
        and coalesce(at_risk.program, '') = coalesce(previous_cycle_rates.program, '')
        and coalesce(at_risk.residency, '') = coalesce(previous_cycle_rates.residency, '')
),

predictions as (
    select phase, application_id, known_on, model, test_cycle, score_kind, probability
    from fitted
    {%- for baseline in ['persona_baseline', 'previous_cycle_baseline'] %}
    union all
    select
        phase,
        application_id,
        known_on,
        model,
        test_cycle,
        'out_of_sample' as score_kind,
        probability
    from {{ baseline }}
    {%- endfor %}
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
    predictions.known_on,
    at_risk.days_to_census,
    at_risk.is_enrollment_day,
    at_risk.as_of,
    at_risk.person_id,
    at_risk.entry_term,
    at_risk.is_open,
    at_risk.persona_key,
    at_risk.residency,
    at_risk.program as program_code,
    at_risk.outcome
from predictions
inner join at_risk
    on predictions.phase = at_risk.phase
    and predictions.application_id = at_risk.application_id
    and predictions.known_on = at_risk.known_on
inner join runs on predictions.phase = runs.phase
