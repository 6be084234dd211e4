with

education as (
    select * from {{ ref('stg_education_records_reviewed') }}
    where diverted_by is null
),

countries as (
    {{ codes_of('education_records', 'country') }}
),

directions as (
    {{ codes_of('education_records', 'gpa_direction') }}
)

select
    education.education_id,
    education.surviving_person_id as person_id,
    education.gpa_value,
    {{ refused_value('education', 'gpa_value') }} as gpa_value_refused,
    education.gpa_scale_max,
    {{ refused_value('education', 'gpa_scale_max') }} as gpa_scale_max_refused,
    education.gpa_scale_pass,
    directions.value as gpa_direction,
    countries.value as country,
    education.institution,
    education.degree_level,
    education.field,
    {{ real_date('education.graduated_on') }} as graduated_on,
    education.status,
    {{ real_date('education.received_at') }} as received_at
    {{ extra_columns(ref('input__education_records'), 'education') }}
from education
left join countries on education.country = countries.code
left join directions on education.gpa_direction = directions.code
