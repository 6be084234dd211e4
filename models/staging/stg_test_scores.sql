{{ config(materialized='table') }}

with

scores as (
    select * from {{ ref('stg_test_scores_reviewed') }}
    where diverted_by is null
),

tests as (
    select * from {{ ref('xwalk_tests') }}
),

components as (
    select * from {{ ref('xwalk_components') }}
),

statuses as (
    select code, value from {{ ref('xwalk_values') }} where code_set = 'score_status'
),

scales as (
    select code, value from {{ ref('xwalk_values') }} where code_set = 'score_scale'
)

select
    scores.score_id,
    scores.surviving_person_id as person_id,
    coalesce(tests.test_code, 'other') as test_code,
    components.component,
    scores.value,
    {{ refused_value('scores', 'value') }} as value_refused,
    {{ real_date('scores.test_date') }} as test_date,
    {{ real_date('scores.received_at') }} as received_at,
    statuses.value as status,
    scales.value as scale_code
    {{ extra_columns(ref('input__test_scores'), 'scores') }}
from scores
left join tests on {{ code_key('scores.test_code') }} = {{ code_key('tests.code') }}
left join components on {{ code_key('scores.component') }} = {{ code_key('components.code') }}
left join statuses on {{ code_key('scores.status') }} = {{ code_key('statuses.code') }}
left join scales on {{ code_key('scores.scale_code') }} = {{ code_key('scales.code') }}
