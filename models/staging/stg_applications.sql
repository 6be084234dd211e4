{{ config(materialized='table') }}

with

applications as (
    select * from {{ ref('stg_applications_reviewed') }}
    where diverted_by is null
),

stages as (
    {{ codes_of('applications', 'current_stage') }}
),

programs as (
    {{ codes_of('applications', 'program_code') }}
),

late_applications as (
    select * from {{ ref('stg_late_applications') }}
)

select
    applications.application_id,
    applications.surviving_person_id as person_id,
    applications.entry_term,
    programs.value as program_code,
    {%- for column in stage_dates() %}
    {{ known_date('applications.' ~ column) }} as {{ column }},
    {%- endfor %}
    -- The stage of an application that moved on after the day is one of a later day.
    case when late_applications.application_id is null then stages.value end as current_stage,
    applications.source_channel,
    case
        when coalesce(cast(applications.scholarship_offered_at as date), {{ last_known_day() }})
            <= {{ last_known_day() }}
            or {{ real_date('applications.scholarship_offered_at') }} is null
            then applications.scholarship_offer_amount
    end as scholarship_offer_amount,
    {{ known_date('applications.scholarship_offered_at') }} as scholarship_offered_at,
    applications.english_waived,
    applications.test_waived
    {{ extra_columns(ref('input__applications'), 'applications') }}
from applications
left join stages on applications.current_stage = stages.code
left join programs on applications.program_code = programs.code
left join late_applications on applications.application_id = late_applications.application_id
