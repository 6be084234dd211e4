-- Programs are Accounts of the record type Academic Program; so are households, of another type.
select
    "Id" as program_code,
    "Name" as program_name
from source."Account"
where "RecordTypeName" = 'Academic Program'
