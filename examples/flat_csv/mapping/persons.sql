-- One row a person: the same facts stand in each of their rows.
select distinct
    applicant as person_id,
    country as country_of_residence,
    round(cast(experience_months as double) / 12, 2) as years_experience
from source.applications
