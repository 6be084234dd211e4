with

evaluation as (
    select * from {{ ref('ml_enrollment_evaluation') }}
),

shown as (
    select * from {{ ref('ml_suppressed_tests') }}
    where not is_suppressed
),

as_of as (
    select * from {{ ref('int_as_of') }}
)

select
    evaluation.run_id,
    evaluation.phase,
    evaluation.model,
    evaluation.test_cycle,
    evaluation.slice,
    evaluation.slice_value,
    evaluation.metric,
    round(evaluation.value, 9) as value,
    round(evaluation.low, 9) as low,
    round(evaluation.high, 9) as high,
    cast(evaluation.n as bigint) as n,
    as_of.is_static
from evaluation
inner join shown
    on evaluation.test_cycle = shown.test_cycle
    and evaluation.phase = shown.phase
    and evaluation.model = shown.model
    and evaluation.slice = shown.slice
    and evaluation.slice_value = shown.slice_value
cross join as_of
