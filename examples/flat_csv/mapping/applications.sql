-- The file has no id: a person, a program and a term are one application.
select
    applicant || '-' || term || '-' || programme as application_id,
    applicant as person_id,
    term as entry_term,
    programme as program_code,
    strptime(applied_on, '%d.%m.%Y') as submitted_at,
    outcome as current_stage
from source.applications
