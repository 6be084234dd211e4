-- One row a Contact that has applied; staff and parents are Contacts too.
select
    "Id" as person_id,
    "CreatedDate" as created_at,
    "IsDeleted" as is_deleted,
    "MailingCountry" as country_of_residence,
    "hed__Citizenship__c" as country_of_citizenship,
    -- The contract asks who may be contacted; both fields say who may not.
    case
        when 'true' in ("hed__Do_Not_Contact__c", "HasOptedOutOfEmail") then 'false' else 'true'
    end as can_contact
from source."Contact"
where "Id" in (select "hed__Applicant__c" from source."hed__Application__c")
