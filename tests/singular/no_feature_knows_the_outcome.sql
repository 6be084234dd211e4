{{ config(severity=var('leak_severity')) }}
/*
What is this? A feature that a forest uses, and that by itself tells too much of the outcome, or
is made only after the phase has begun.
When does it matter? A likelihood that rests on it looks good on finished cycles and fails on the
open one, where the value is not known yet.
How to resolve it? Read the verdict in rpt_leak_scan. Correct earliest_stage of the feature in the
feature catalog, cut its source at the day of knowledge, or set its role to describe. The var
leak_severity (warn or error) says whether this stops the build.
*/
with

scan as (
    select * from {{ ref('rpt_leak_scan') }}
)

select phase, feature, verdict
from scan
where is_used
    and (verdict like 'probable leak%' or verdict like 'grows with the season%')
