with

predictions as (
    select * from {{ ref('ml_enrollment_predictions') }}
    where model = 'random_forest' and is_enrollment_day
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

as_of as (
    select * from {{ ref('int_as_of') }}
),

ranked as (
    select
        preferred.*,
        ntile(10) over (
            partition by phase, entry_term order by probability desc, application_id asc
        ) as decile
    from preferred
    where preference = 1
)

select
    ranked.application_id,
    ranked.phase,
    ranked.as_of,
    cast(ranked.known_on as date) as known_on,
    ranked.person_id,
    ranked.entry_term,
    ranked.program_code,
    ranked.run_id,
    ranked.persona_key,
    ranked.probability,
    cast(ranked.decile as integer) as decile,
    case
        when ranked.probability >= 0.8 then 'very likely'
        when ranked.probability >= 0.5 then 'likely'
        when ranked.probability >= 0.2 then 'possible'
        else 'unlikely'
    end as band,
    reasons.reason_1,
    reasons.reason_2,
    reasons.reason_3,
    ranked.score_kind,
    cast(ranked.outcome as integer) as outcome,
    as_of.is_static
from ranked
cross join as_of
left join reasons
    on ranked.phase = reasons.phase
    and ranked.application_id = reasons.application_id
