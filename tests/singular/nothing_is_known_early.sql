/*
What is this? No day that a feature row rests on lies after the day whose knowledge it claims.
When does it matter? A later day in a row means that a likelihood knew the future.
How to resolve it? Find the intermediate model of the column and cut its input at known_on.
*/
with

stages_known as (
    select * from {{ ref('int_stages_known') }}
),

engagement_known as (
    select * from {{ ref('int_engagement_known') }}
),

timing_known as (
    select * from {{ ref('int_timing_known') }}
),

applications as (
    select * from {{ ref('int_applications_as_of') }}
)

select application_id, known_on, 'stages' as part
from stages_known
where greatest(started_on, submitted_on, admitted_on, decided_on, deposited_on) > known_on
union all
select application_id, known_on, 'engagement' as part
from engagement_known
where last_touch_on > known_on
union all
select application_id, known_on, 'timing' as part
from timing_known
where days_since_admission < 0 or days_since_deposit < 0 or days_since_last_touch < 0
union all
select application_id, known_on, 'spine' as part
from applications
where known_on > as_of
