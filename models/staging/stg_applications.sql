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
)

select
    applications.application_id,
    applications.surviving_person_id as person_id,
    applications.entry_term,
    programs.value as program_code,
    {%- for column in [
        'started_at', 'submitted_at', 'completed_at', 'admitted_at', 'denied_at', 'deposited_at',
        'enrolled_at', 'withdrawn_at',
    ] %}
    {{ known_date('applications.' ~ column) }} as {{ column }},
    {%- endfor %}
    stages.value as current_stage,
    applications.source_channel,
    case
        when coalesce(cast(applications.scholarship_offered_at as date), {{ last_known_day() }})
            <= {{ last_known_day() }}
            or {{ real_date('applications.scholarship_offered_at') }} is null
            then {{ in_range('applications', 'scholarship_offer_amount', 'applications') }}
    end as scholarship_offer_amount,
    {{ known_date('applications.scholarship_offered_at') }} as scholarship_offered_at,
    applications.english_waived,
    applications.test_waived
    {{ extra_columns(ref('input__applications'), 'applications') }}
from applications
left join stages on applications.current_stage = stages.code
left join programs on applications.program_code = programs.code
