-- Terms have no census date in Salesforce: here it is taken as two weeks after the start.
select
    "Name" as entry_term,
    cast("hed__Start_Date__c" as date) + 14 as census_on
from source."hed__Term__c"
