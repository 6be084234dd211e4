{%- set columns = [
    'virtual_events', 'in_person_events', 'digital_touches', 'conversations', 'missed_events'
] %}

with

applications as (
    select * from {{ ref('int_applications_as_of') }}
),

stages_known as (
    select * from {{ ref('int_stages_known') }}
),

-- Answers on another scale than that of the contract would say something else.
intent_scales as (
    select fits_its_scale from {{ ref('int_fields_judged') }}
    where table_name = 'interactions' and column_name = 'value_numeric'
),

recording as (
    select count(*) > 0 as records_interactions from {{ ref('stg_interactions') }}
),

-- The answers of a person about their intent, the latest with the highest number.
intent_answers as (
    select
        answers.interaction_id,
        row_number() over (
            partition by answers.person_id
            order by answers.occurred_at asc, answers.interaction_id desc
        ) as answer_number
    from {{ ref('stg_interactions') }} as answers
    inner join intent_scales on intent_scales.fits_its_scale
    where answers.interaction_type = 'intent_survey'
        and answers.value_numeric between {{ intent_scale() | join(' and ') }}
),

interactions as (
    select
        delivered.*,
        intent_answers.answer_number
    from {{ ref('stg_interactions') }} as delivered
    left join intent_answers on delivered.interaction_id = intent_answers.interaction_id
),

-- What applicants do after the decision answers it, so the counts stop there.
cutoffs as (
    select
        applications.application_id,
        applications.known_on,
        applications.person_id,
        stages_known.inquired_on,
        stages_known.started_on,
        stages_known.admitted_on,
        coalesce(stages_known.decided_on, applications.known_on) as counted_until
    from applications
    left join stages_known
        on applications.application_id = stages_known.application_id
        and applications.known_on = stages_known.known_on
),

known_interactions as (
    select
        cutoffs.application_id,
        cutoffs.known_on,
        interactions.channel,
        interactions.weight,
        interactions.value_numeric,
        interactions.answer_number,
        cast(interactions.occurred_at as date) as occurred_on,
        coalesce(interactions.status, 'attended') as status,
        cast(interactions.occurred_at as date) <= cutoffs.counted_until as is_before_decision,
        cast(interactions.occurred_at as date) > cutoffs.admitted_on as is_after_admission,
        cast(interactions.occurred_at as date) < cutoffs.started_on as is_before_start
    from cutoffs
    inner join interactions on cutoffs.person_id = interactions.person_id
    where cast(interactions.known_at as date) <= cutoffs.known_on
        and cast(interactions.occurred_at as date) <= cutoffs.known_on
),

counted as (
    select
        application_id,
        known_on,
        max_by(value_numeric, case when is_before_decision then answer_number end)
            as stated_intent,
        {{ count_where("is_before_decision and status = 'attended' and channel = 'virtual'") }}
            as virtual_events,
        {{ count_where("is_before_decision and status = 'attended' and channel = 'in_person'") }}
            as in_person_events,
        {{ count_where("is_before_decision and channel = 'digital' and weight > 0") }}
            as digital_touches,
        {{ count_where(
            "is_before_decision and status = 'attended' and channel = 'staff'"
        ) }} as conversations,
        {{ count_where("is_before_decision and status <> 'attended'") }} as missed_events,
        min(case when is_before_start and weight > 0 then occurred_on end) as first_touch_on,
        {{ count_where(
            "is_after_admission and status = 'attended' and channel = 'in_person'"
        ) }} as visits_after_admission,
        max(case when weight > 0 then occurred_on end) as last_touch_on
    from known_interactions
    group by application_id, known_on
),

-- An inquiry is a contact as much as an interaction is.
contacted as (
    select
        cutoffs.application_id,
        cutoffs.known_on,
        cutoffs.started_on,
        cutoffs.admitted_on,
        counted.stated_intent,
        {%- for column in columns %}
        counted.{{ column }},
        {%- endfor %}
        counted.visits_after_admission,
        counted.last_touch_on,
        least(
            counted.first_touch_on,
            case when cutoffs.inquired_on < cutoffs.started_on then cutoffs.inquired_on end
        ) as contacted_on
    from cutoffs
    left join counted
        on cutoffs.application_id = counted.application_id
        and cutoffs.known_on = counted.known_on
)

select
    contacted.application_id,
    contacted.known_on,
    contacted.stated_intent,
    {% for column in columns -%}
    case
        when recording.records_interactions then coalesce(contacted.{{ column }}, 0)
    end as {{ column }},
    {% endfor -%}
    case
        when recording.records_interactions and contacted.started_on is not null
            then contacted.contacted_on is null
    end as is_stealth,
    case
        when recording.records_interactions and contacted.started_on is not null
            then coalesce({{ dbt.datediff(
                'contacted.contacted_on', 'contacted.started_on', 'day'
            ) }}, 0)
    end as days_of_contact,
    case
        when recording.records_interactions and contacted.admitted_on is not null
            then coalesce(contacted.visits_after_admission, 0) > 0
    end as admitted_day_attended,
    contacted.last_touch_on
from contacted
cross join recording
