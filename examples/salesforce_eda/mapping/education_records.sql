-- One row an Education History.
select
    "Id" as education_id,
    "hed__Contact__c" as person_id,
    "hed__GPA__c" as gpa_value,
    "hed__GPA_Scale_Reporting__c" as gpa_scale_max,
    "hed__Educational_Institution_Name__c" as institution,
    "hed__Degree_Earned__c" as degree_level,
    "hed__Graduation_Date__c" as graduated_on
from source."hed__Education_History__c"
