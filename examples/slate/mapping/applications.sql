-- One row an application: a query on the base Application.
select
    "Application Reference" as application_id,
    "Person Reference" as person_id,
    "Round Term" as entry_term,
    "Program Code" as program_code,
    strptime("Application Created Date", '%m/%d/%Y %I:%M:%S %p') as started_at,
    strptime("Application Submitted Date", '%m/%d/%Y %I:%M:%S %p') as submitted_at,
    "Bin" as current_stage,
    "Source" as source_channel,
    "English Waived" as english_waived
from source.applications
