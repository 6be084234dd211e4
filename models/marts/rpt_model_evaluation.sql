with

evaluation as (
    select * from {{ ref('ml_enrollment_evaluation') }}
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
cross join as_of
where evaluation.slice = 'all' or evaluation.n >= {{ var('min_cell') }}
