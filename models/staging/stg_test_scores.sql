with

scores as (
    select * from {{ ref('stg_test_scores_reviewed') }}
    where diverted_by is null
),

tests as (
    {{ codes_of('test_scores', 'test_code') }}
),

components as (
    {{ codes_of('test_scores', 'component') }}
),

statuses as (
    {{ codes_of('test_scores', 'status') }}
),

scales as (
    {{ codes_of('test_scores', 'scale_code') }}
)

select
    scores.score_id,
    scores.surviving_person_id as person_id,
    coalesce(tests.value, 'other') as test_code,
    components.value as component,
    scores.value,
    {{ refused_value('scores', 'value') }} as value_refused,
    {{ real_date('scores.test_date') }} as test_date,
    {{ real_date('scores.received_at') }} as received_at,
    statuses.value as status,
    scales.value as scale_code
    {{ extra_columns(ref('input__test_scores'), 'scores') }}
from scores
left join tests on scores.test_code = tests.code
left join components on scores.component = components.code
left join statuses on scores.status = statuses.code
left join scales on scores.scale_code = scales.code
