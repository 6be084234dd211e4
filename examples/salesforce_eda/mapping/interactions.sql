-- Who came to which event: members of campaigns. Tasks and calls would be united here.
select
    member."Id" as interaction_id,
    member."ContactId" as person_id,
    campaign."Type" as interaction_type,
    member."CreatedDate" as occurred_at,
    member."Status" as status
from source."CampaignMember" as member
left join source."Campaign" as campaign on member."CampaignId" = campaign."Id"
