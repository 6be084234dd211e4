{{ config(materialized='table') }}
with

numbered as (
    {{ numbered_copies(
        'interactions', 'interaction_id',
        'recorded_at nulls last, ' ~ count_present(['status', 'value_numeric', 'minutes'])
        ~ ' desc'
    ) }}
),

-- Two rows that agree in everything, to the second, are one event under two identifiers.
repeats as (
    select
        interactions.interaction_id,
        dense_rank() over (
            partition by
                interactions.person_id, interactions.occurred_at,
                lower(interactions.interaction_type), lower(interactions.status),
                interactions.value_numeric, interactions.value_text, interactions.minutes,
                interactions.application_id
                {{ extra_columns(ref('input__interactions'), 'interactions') }}
            order by interactions.interaction_id
        ) as repeat_number
    from {{ ref('input__interactions') }} as interactions
    where {{ is_repeated('interactions', 'duplicate_event', 'interactions.interaction_id') }}
),

later_repeats as (
    select distinct interaction_id from repeats
    where repeat_number > 1
),

ids as (
    select * from {{ ref('stg_person_ids') }}
)

select
    numbered.*,
    ids.person_id as surviving_person_id,
    case
        when numbered.interaction_id is null
            or numbered.person_id is null
            or numbered.occurred_at is null
            then 'missing_key'
        {{ person_rule('ids') }}
        when numbered._copy > 1 then 'duplicate_key'
        when {{ real_date('numbered.occurred_at') }} is null then 'sentinel_date'
        when later_repeats.interaction_id is not null then 'duplicate_event'
    end as diverted_by
from numbered
left join later_repeats on numbered.interaction_id = later_repeats.interaction_id
left join ids on numbered.person_id = ids.source_person_id
