{{ config(materialized='table') }}

with

interactions as (
    select * from {{ ref('stg_interactions_reviewed') }}
    where diverted_by is null
),

types as (
    select * from {{ ref('xwalk_interaction_types') }}
),

statuses as (
    select code, value from {{ ref('xwalk_values') }} where code_set = 'interaction_status'
),

applications as (
    select application_id from {{ ref('stg_applications') }}
)

select
    interactions.interaction_id,
    interactions.surviving_person_id as person_id,
    coalesce(types.interaction_type, 'other') as interaction_type,
    types.channel,
    coalesce(types.weight, 0) as weight,
    interactions.occurred_at,
    statuses.value as status,
    interactions.value_numeric,
    interactions.value_text,
    {{ in_range('interactions', 'minutes', 'interactions') }} as minutes,
    {{ real_date('interactions.recorded_at') }} as recorded_at,
    coalesce({{ real_date('interactions.recorded_at') }}, interactions.occurred_at) as known_at,
    applications.application_id
    {{ extra_columns(ref('input__interactions'), 'interactions') }}
from interactions
left join types
    on {{ code_key('interactions.interaction_type') }} = {{ code_key('types.code') }}
left join statuses on {{ code_key('interactions.status') }} = {{ code_key('statuses.code') }}
left join applications on interactions.application_id = applications.application_id
