-- The first school of an application. Someone with two applications has it once.
select distinct
    "Person Reference" || '-' || "School 1 Institution" as education_id,
    "Person Reference" as person_id,
    "School 1 GPA" as gpa_value,
    "School 1 GPA Scale" as gpa_scale_max,
    -- Of a German grade 1 is best; the export does not say so.
    case when "School 1 Country" = 'Germany' then 'low_best' else 'high_best' end as gpa_direction,
    "School 1 Country" as country,
    "School 1 Institution" as institution,
    strptime("School 1 Conferred Date", '%m/%d/%Y') as graduated_on
from source.applications
where "School 1 GPA" is not null
