-- A grade is written with a decimal comma where it comes from; that is no thousands separator.
select distinct
    applicant || '-degree' as education_id,
    applicant as person_id,
    replace(degree_average, ',', '.') as gpa_value,
    degree_scale as gpa_scale_max,
    case country when 'DE' then 'low_best' else 'high_best' end as gpa_direction,
    country
from source.applications
