-- Decisions have their own dates. Where this table is given, it has all stages, the first ones too.
select
    "Application Reference" as application_id,
    "Decision Name" as stage,
    strptime("Decision Released Date", '%m/%d/%Y %I:%M:%S %p') as occurred_at
from source.decisions
union all
select
    "Application Reference" as application_id,
    'started' as stage,
    strptime("Application Created Date", '%m/%d/%Y %I:%M:%S %p') as occurred_at
from source.applications
union all
select
    "Application Reference" as application_id,
    'submitted' as stage,
    strptime("Application Submitted Date", '%m/%d/%Y %I:%M:%S %p') as occurred_at
from source.applications
where "Application Submitted Date" is not null
