{{ config(materialized='table') }}

with

applications as (
    select * from {{ ref('stg_applications_reviewed') }}
    where diverted_by is null
),

stages as (
    select * from {{ ref('xwalk_stages') }}
)

select
    applications.application_id,
    applications.surviving_person_id as person_id,
    applications.entry_term,
    applications.program_code,
    {%- for column in [
        'started_at', 'submitted_at', 'completed_at', 'admitted_at', 'denied_at', 'deposited_at',
        'enrolled_at', 'withdrawn_at',
    ] %}
    {{ real_date('applications.' ~ column) }} as {{ column }},
    {%- endfor %}
    stages.stage as current_stage,
    applications.source_channel,
    {{ in_range('applications', 'scholarship_offer_amount', 'applications') }}
        as scholarship_offer_amount,
    {{ real_date('applications.scholarship_offered_at') }} as scholarship_offered_at,
    applications.english_waived,
    applications.test_waived
    {{ extra_columns(ref('input__applications'), 'applications') }}
from applications
left join stages on {{ code_key('applications.current_stage') }} = {{ code_key('stages.code') }}
