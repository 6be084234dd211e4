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
    select person_id, occurred_at from numbered
    where _copy = 1 and occurred_at <> cast(occurred_at as date)
    group by person_id, occurred_at having count(*) > 1
),

repeats as (
    select
        numbered.interaction_id,
        row_number() over (
            partition by
                numbered.person_id, numbered.occurred_at, lower(numbered.interaction_type),
                lower(numbered.status), numbered.value_numeric, numbered.value_text,
                numbered.minutes, numbered.application_id
                {{ extra_columns(ref('input__interactions'), 'numbered') }}
            order by numbered.recorded_at nulls last, numbered.interaction_id
        ) as repeat_number
    from numbered
    inner join repeated_moments
        on numbered.person_id = repeated_moments.person_id
        and numbered.occurred_at = repeated_moments.occurred_at
    where numbered._copy = 1
        and numbered.interaction_id is not null
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
        when repeats.repeat_number > 1 then 'duplicate_event'
    end as diverted_by
from numbered
left join repeats
    on numbered.interaction_id = repeats.interaction_id
    and repeats.repeat_number > 1
left join ids on numbered.person_id = ids.source_person_id
left join erased on numbered.person_id = erased.person_id
