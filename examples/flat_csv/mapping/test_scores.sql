-- Scores stand in columns of their own; each becomes a row, once a person.
select distinct
    applicant || '-' || test || '-' || value as score_id,
    applicant as person_id,
    test as test_code,
    'total' as component,
    value
from source.applications
cross join lateral (
    values ('ielts', ielts_overall), ('gmat', gmat_total)
) as stated (test, value)
where value is not null
