with

applications as (
    select * from {{ ref('int_applications_as_of') }}
),

stages_known as (
    select * from {{ ref('int_stages_known') }}
),

interactions as (
    select * from {{ ref('stg_interactions') }}
),

recording as (
    select count(*) > 0 as records_interactions from interactions
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
        interactions.interaction_id,
        interactions.interaction_type,
        interactions.channel,
        interactions.weight,
        interactions.value_numeric,
        cast(interactions.occurred_at as date) as occurred_on,
        interactions.occurred_at,
        coalesce(interactions.status, 'attended') as status,
        cast(interactions.occurred_at as date) <= cutoffs.counted_until as is_before_decision,
        cast(interactions.occurred_at as date) > cutoffs.admitted_on as is_after_admission,
        cast(interactions.occurred_at as date) < cutoffs.started_on as is_before_start
    from cutoffs
    inner join interactions on cutoffs.person_id = interactions.person_id
    where cast(interactions.known_at as date) <= cutoffs.known_on
        and cast(interactions.occurred_at as date) <= cutoffs.known_on
),

intent_answers as (
    select
        application_id,
        known_on,
        value_numeric as stated_intent,
        row_number() over (
            partition by application_id, known_on
            order by occurred_at desc, interaction_id asc
        ) as recency
    from known_interactions
    where interaction_type = 'intent_survey'
        and is_before_decision
        and value_numeric between 0 and 10
),

counted as (
    select
        application_id,
        known_on,
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
first_contacts as (
    select
        cutoffs.application_id,
        cutoffs.known_on,
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
    cutoffs.application_id,
    cutoffs.known_on,
    intent_answers.stated_intent,
    {% for column in [
        'virtual_events', 'in_person_events', 'digital_touches', 'conversations', 'missed_events'
    ] -%}
    case
        when recording.records_interactions then coalesce(counted.{{ column }}, 0)
    end as {{ column }},
    {% endfor -%}
    case
        when recording.records_interactions and cutoffs.started_on is not null
            then first_contacts.contacted_on is null
    end as is_stealth,
    case
        when recording.records_interactions and cutoffs.started_on is not null
            then coalesce({{ dbt.datediff(
                'first_contacts.contacted_on', 'cutoffs.started_on', 'day'
            ) }}, 0)
    end as days_of_contact,
    case
        when recording.records_interactions and cutoffs.admitted_on is not null
            then coalesce(counted.visits_after_admission, 0) > 0
    end as admitted_day_attended,
    counted.last_touch_on
from cutoffs
cross join recording
left join counted
    on cutoffs.application_id = counted.application_id
    and cutoffs.known_on = counted.known_on
left join first_contacts
    on cutoffs.application_id = first_contacts.application_id
    and cutoffs.known_on = first_contacts.known_on
left join intent_answers
    on cutoffs.application_id = intent_answers.application_id
    and cutoffs.known_on = intent_answers.known_on
    and intent_answers.recency = 1
