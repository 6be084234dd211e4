-- A score is of a Test, and the Test has the person, the kind and the days.
select
    score."Id" as score_id,
    test."hed__Contact__c" as person_id,
    test."hed__Test_Type__c" as test_code,
    -- Subject areas are named for other tests; of the GRE they are these.
    case
        when test."hed__Test_Type__c" = 'GRE' and score."hed__Subject_Area__c" = 'Reading'
            then 'verbal'
        when test."hed__Test_Type__c" = 'GRE' and score."hed__Subject_Area__c" = 'Mathematics'
            then 'quant'
        when test."hed__Test_Type__c" = 'GRE' and score."hed__Subject_Area__c" = 'Writing'
            then 'analytical'
        else score."hed__Subject_Area__c"
    end as component,
    score."hed__Score__c" as value,
    test."hed__Test_Date__c" as test_date,
    test."hed__Date_Received__c" as received_at,
    test."hed__Verification_Status__c" as status
from source."hed__Test_Score__c" as score
left join source."hed__Test__c" as test on score."hed__Test__c" = test."Id"
