-- One row a person: a query on the base Person.
select
    "Person Reference" as person_id,
    strptime("Person Created Date", '%m/%d/%Y %I:%M:%S %p') as created_at,
    "Active Country" as country_of_residence,
    "Citizenship 1" as country_of_citizenship,
    "Person Inactive" as is_deleted,
    -- The contract asks who may be contacted, the export says who may not.
    case "Opt Out" when 'No' then 'true' when 'Yes' then 'false' end as can_contact,
    round(cast("Distance in Miles" as double) * 1.609344, 1) as distance_km,
    "Years of Work Experience" as years_experience
from source.people
