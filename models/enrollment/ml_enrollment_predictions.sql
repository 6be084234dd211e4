{%- set models = [
    'random_forest', 'logistic_regression', 'gradient_boosting', 'stage_rate', 'persona_rate',
    'previous_cycle_rate',
] %}

with

fitted as (
    {%- for fit in ['ml_enrollment_fit', 'ml_backtest_fit', 'ml_enrollment_scores'] %}
    select
        run_id,
        phase,
        test_cycle,
        score_kind,
        application_code,
        known_on,
        days_to_census,
        is_enrollment_day,
        is_standing,
        entry_term,
        persona_key,
        residency,
        program_code,
        outcome,
        n_training,
        likelihood,
        {{ models | join(',\n        ') }}
    from {{ ref(fit) }}
    where record = 'prediction'
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

-- What a stored run says of people who are no longer in the input, or who object, is not read.
applications as (
    select
        known.application_id,
        known.person_id,
        {{ stable_hash('known.application_id') }} as application_code
    from (
        select application_id, person_id from {{ ref('int_applications_dated') }}
        union all
        select application_id, person_id from {{ ref('int_prospects') }}
    ) as known
    inner join {{ ref('stg_persons') }} as persons on known.person_id = persons.person_id
    where not persons.profiling_objection
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

identified as (
    select
        fitted.*,
        applications.application_id,
        applications.person_id,
        phases.outcome_stage,
        phases.ladder,
        phases.n_rungs,
        phases.is_once_only
    from fitted
    inner join applications on fitted.application_code = applications.application_code
    inner join phases on fitted.phase = phases.phase
),

-- People with several applications at once. That any of them reaches the outcome is told as if they
-- did not know of each other; which one, where it can be only one, by their odds.
persons as (
    select
        person_id,
        outcome_stage,
        score_kind,
        known_on,
        {{ stable_sum('likelihood / greatest(1 - likelihood, 1e-9)') }} as odds,
        1 - exp({{ stable_sum('ln(greatest(1 - likelihood, 1e-9))') }}) as likelihood_of_any
    from identified
    where is_standing
    group by person_id, outcome_stage, score_kind, known_on
    having count(*) > 1
),

coherent as (
    select
        identified.*,
        case
            when persons.person_id is not null and identified.is_once_only
                then persons.likelihood_of_any / persons.odds
                    * identified.likelihood / greatest(1 - identified.likelihood, 1e-9)
            else identified.likelihood
        end as coherent_likelihood,
        coalesce(persons.likelihood_of_any, identified.likelihood) as person_likelihood
    from identified
    left join persons
        on identified.person_id = persons.person_id
        and identified.outcome_stage = persons.outcome_stage
        and identified.score_kind = persons.score_kind
        and identified.known_on = persons.known_on
        -- The others are not among those whose odds these are.
        and identified.is_standing
)

select
    run_id,
    phase,
    case when n_rungs > 1 then ladder end as ladder,
    outcome_stage,
    test_cycle,
    score_kind,
    application_code,
    application_id,
    person_id,
    known_on,
    days_to_census,
    is_enrollment_day,
    is_standing,
    entry_term,
    persona_key,
    residency,
    program_code,
    outcome,
    n_training,
    round(coherent_likelihood, 9) as likelihood,
    round(person_likelihood, 9) as person_likelihood,
    {%- for model in models %}
    round({{ model }}, 9) as {{ model }}{{ ',' if not loop.last }}
    {%- endfor %}
from coherent
