with

predictions as (
    select * from {{ ref('ml_enrollment_predictions') }}
    where is_enrollment_day and is_standing and likelihood is not null
),

-- The nearest to how the open cycle is scored: by a model of earlier cycles, else of other people.
preferred as (
    select
        *,
        row_number() over (
            partition by phase, application_id
            order by case when score_kind = 'out_of_sample' then 1 else 2 end
        ) as preference
    from predictions
),

reasons as (
    select * from {{ ref('ml_enrollment_reasons') }}
),

stages as (
    select * from {{ ref('stages') }}
),

risk_periods as (
    select * from {{ ref('int_risk_periods') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

ranked as (
    select
        preferred.*,
        ntile(10) over (
            partition by phase, entry_term order by likelihood desc, application_id asc
        ) as decile
    from preferred
    where preference = 1
)

select
    ranked.application_id,
    ranked.phase,
    ranked.outcome_stage,
    as_of.as_of,
    cast(ranked.known_on as date) as known_on,
    cast(risk_periods.stage_since as date) as stage_since,
    ranked.person_id,
    ranked.entry_term,
    ranked.program_code,
    ranked.run_id,
    ranked.persona_key,
    ranked.likelihood as probability,
    ranked.person_likelihood as person_probability,
    cast(ranked.decile as integer) as decile,
    case
        when ranked.likelihood >= 0.8 then 'very likely to '
        when ranked.likelihood >= 0.5 then 'likely to '
        when ranked.likelihood >= 0.2 then 'may '
        else 'unlikely to '
    end || stages.verb as band,
    {%- for rank in [1, 2, 3] %}
    case when ranked.outcome is null then reasons.reason_{{ rank }} end as reason_{{ rank }},
    case when ranked.outcome is null then reasons.reason_{{ rank }}_is_actionable end
        as reason_{{ rank }}_is_actionable,
    {%- endfor %}
    case when ranked.outcome is null then reasons.raising_reason end as raising_reason,
    case when ranked.outcome is null then reasons.lowering_reason end as lowering_reason,
    ranked.score_kind,
    cast(ranked.outcome as integer) as outcome,
    as_of.is_static
from ranked
cross join as_of
inner join stages on ranked.outcome_stage = stages.stage
inner join risk_periods
    on ranked.application_id = risk_periods.application_id
    and ranked.phase = risk_periods.phase
left join reasons
    on ranked.phase = reasons.phase
    and ranked.application_code = reasons.application_code
