/*
What is this? Every application at risk in a phase that has a model has exactly one likelihood.
When does it matter? Headcounts are sums of likelihoods, so a lost row is a lost student.
How to resolve it? Compare ml_enrollment_rows with the predictions in ml_enrollment_fit.
*/
with

at_risk as (
    select * from {{ ref('ml_enrollment_rows') }}
),

runs as (
    select * from {{ ref('ml_enrollment_runs') }}
    where is_fitted
),

scores as (
    select * from {{ ref('fct_enrollment_scores') }}
)

select at_risk.phase, at_risk.application_id
from at_risk
inner join runs on at_risk.phase = runs.phase
left join scores
    on at_risk.phase = scores.phase
    and at_risk.application_id = scores.application_id
where scores.application_id is null
