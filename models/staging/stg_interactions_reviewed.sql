with

numbered as (
    {{ numbered_copies(
        ref('input__interactions'), 'interaction_id',
        'recorded_at nulls last, ' ~ count_present(['status', 'value_numeric', 'minutes'])
        ~ ' desc'
    ) }}
),

-- Two rows that agree in everything, to the second, are one event under two identifiers.
repeated_moments as (
    select person_id, occurred_at from {{ ref('input__interactions') }}
    where occurred_at <> cast(occurred_at as date)
    group by person_id, occurred_at having count(*) > 1
),

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
    inner join repeated_moments
        on interactions.person_id = repeated_moments.person_id
        and interactions.occurred_at = repeated_moments.occurred_at
    where interactions.interaction_id is not null
),

later_repeats as (
    select distinct interaction_id from repeats
    where repeat_number > 1
),

ids as (
    select * from {{ ref('stg_person_ids') }}
),

erased as (
    select * from {{ ref('stg_erased_person_ids') }}
)

select
    numbered.*,
    ids.person_id as surviving_person_id,
    case
        when numbered.interaction_id is null
            or numbered.person_id is null
            or numbered.occurred_at is null
            then 'missing_key'
        {{ person_rule('ids', 'erased') }}
        when numbered._copy > 1 then 'duplicate_key'
        when {{ real_date('numbered.occurred_at') }} is null then 'sentinel_date'
        when later_repeats.interaction_id is not null then 'duplicate_event'
    end as diverted_by
from numbered
left join later_repeats on numbered.interaction_id = later_repeats.interaction_id
left join ids on numbered.person_id = ids.source_person_id
left join erased on numbered.person_id = erased.person_id
