with

evaluation as (
    select * from {{ ref('ml_enrollment_evaluation') }}
),

runs as (
    select * from {{ ref('ml_enrollment_runs') }}
)

select
    runs.run_id,
    evaluation.phase,
    evaluation.model,
    evaluation.test_cycle,
    evaluation.slice,
    evaluation.slice_value,
    evaluation.metric,
    round(evaluation.value, 9) as value,
    round(evaluation.low, 9) as low,
    round(evaluation.high, 9) as high,
    cast(evaluation.n as bigint) as n
from evaluation
inner join runs on evaluation.phase = runs.phase
where evaluation.slice = 'all' or evaluation.n >= {{ var('min_cell') }}
