-- One row an Application. Lookups hold record ids: the term gets its name, programs.sql names the
-- programs.
select
    application."Id" as application_id,
    application."hed__Applicant__c" as person_id,
    term."Name" as entry_term,
    application."hed__Applying_To__c" as program_code,
    application."CreatedDate" as started_at,
    application."hed__Application_Date__c" as submitted_at,
    -- One field has the day of the decision, whichever it was.
    case
        when application."hed__Application_Status__c" not in ('Deny', 'Waitlist')
            then application."hed__Application_Decision_Date__c"
    end as admitted_at,
    case
        when application."hed__Application_Status__c" = 'Deny'
            then application."hed__Application_Decision_Date__c"
    end as denied_at,
    case
        when application."hed__Application_Status__c" = 'Accepted Offer'
            then application."hed__Applicant_Decision_Date__c"
    end as deposited_at,
    application."hed__Application_Status__c" as current_stage
from source."hed__Application__c" as application
left join source."hed__Term__c" as term on application."hed__Term__c" = term."Id"
where application."IsDeleted" = 'false'
