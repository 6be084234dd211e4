/*
What is this? Every application whose outcome is still to come has one likelihood where its phase
has a model, and of one ladder everyone has one only.
When does it matter? Headcounts are sums of likelihoods, so a lost row is a lost student.
How to resolve it? Compare ml_at_risk with the predictions in ml_enrollment_scores.
*/
with

at_risk as (
    select * from {{ ref('ml_at_risk') }}
    where is_enrollment_day and outcome is null
),

runs as (
    select * from {{ ref('ml_enrollment_runs') }}
    where kind = 'enrollment' and outcome in ('fitted', 'rate_only')
),

scores as (
    select * from {{ ref('fct_enrollment_scores') }}
),

repeated as (
    select application_id, min(phase) as phase
    from scores
    group by application_id, outcome_stage
    having count(*) > 1
)

select 'lost' as problem, at_risk.phase, at_risk.application_id
from at_risk
inner join runs on at_risk.phase = runs.phase
left join scores
    on at_risk.phase = scores.phase
    and at_risk.application_id = scores.application_id
where scores.application_id is null
union all
select 'repeated' as problem, phase, application_id
from repeated
