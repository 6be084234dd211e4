with

runs as (
    select * from {{ ref('ml_persona_runs') }}
),

lineage as (
    select
        run_id,
        number,
        max(case when metric = 'previous_key' then text end) as previous_persona_key,
        max(case when metric = 'key' then text end) as persona_key,
        max(case when metric = 'status' then text end) as status,
        max(case when metric = 'share_kept' then value end) as share_kept,
        max(case when metric = 'share_from' then value end) as share_from,
        max(case when metric = 'distance' then value end) as distance
    from runs
    where record = 'lineage'
    group by run_id, number
),

suppressed as (
    select persona_key from {{ ref('ml_suppressed_personas') }}
    where entry_term = 'all' and is_suppressed
),

previous as (
    select
        run_id,
        max(text) as previous_run_id
    from runs
    where record = 'provenance' and metric = 'previous_run_id'
    group by run_id
)

select
    lineage.run_id,
    cast(lineage.number as integer) as line_number,
    previous.previous_run_id,
    lineage.previous_persona_key,
    lineage.persona_key,
    lineage.status,
    -- More decimals would tell how many people they are of.
    case when suppressed.persona_key is null then round(lineage.share_kept, 2) end as share_kept,
    case when suppressed.persona_key is null then round(lineage.share_from, 2) end as share_from,
    round(lineage.distance, 9) as distance,
    case lineage.status
        when 'new' then 'New: no earlier persona holds most of these people.'
        when 'vanished' then 'Retired: hardly anyone like these people is left.'
        when 'merged' then 'Merged: most of its people are in ' || lineage.persona_key || ' now.'
        when 'split' then case
            when lineage.previous_persona_key = lineage.persona_key
                then 'Kept its key, and was split: a part of its people are a persona of their own.'
            else 'Split: a part of what was ' || lineage.previous_persona_key || '.'
        end
        else 'Kept its key: mostly the same people as before.'
    end as sentence
from lineage
left join previous on lineage.run_id = previous.run_id
left join suppressed
    on coalesce(lineage.persona_key, lineage.previous_persona_key) = suppressed.persona_key
