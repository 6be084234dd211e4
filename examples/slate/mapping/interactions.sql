-- Event registrations, form submissions and other activities of a person.
select
    "Activity ID" as interaction_id,
    "Person Reference" as person_id,
    "Activity Code" as interaction_type,
    strptime("Activity Date", '%m/%d/%Y %I:%M:%S %p') as occurred_at,
    "Attendance Status" as status
from source.interactions
