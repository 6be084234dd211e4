with

interactions as (
    select * from {{ ref('stg_interactions_reviewed') }}
    where diverted_by is null
),

types as (
    {{ codes_of('interactions', 'interaction_type') }}
),

statuses as (
    {{ codes_of('interactions', 'status') }}
),

applications as (
    select application_id from {{ ref('stg_applications') }}
)

select
    interactions.interaction_id,
    interactions.surviving_person_id as person_id,
    coalesce(types.value, 'other') as interaction_type,
    types.channel,
    coalesce(types.weight, 0) as weight,
    interactions.occurred_at,
    statuses.value as status,
    interactions.value_numeric,
    interactions.value_text,
    interactions.minutes,
    {{ real_date('interactions.recorded_at') }} as recorded_at,
    {{ known_at(real_date('interactions.recorded_at'), 'interactions.occurred_at') }} as known_at,
    applications.application_id
    {{ extra_columns(ref('input__interactions'), 'interactions') }}
from interactions
left join types on interactions.interaction_type = types.code
left join statuses on interactions.status = statuses.code
left join applications on interactions.application_id = applications.application_id
