{{ config(materialized='table') }}

with

listed as (
    select distinct person_id from {{ ref('input__erasure_list') }}
    where person_id is not null
),

known as (
    {%- for table, keys in personal_keys().items() if 'person_id' in keys %}
    select person_id from ({{ read_columns(table, ['person_id']) }}) as delivered
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
),

-- Lines that could not be read may name people too.
unreadable as (
    select raw_text from {{ ref('input__delimited_records') }}
    where reason is not null
)

select
    count(*) as n_entries,
    count(
        case
            when known.person_id is null and not exists (
                select 1 from unreadable
                where unreadable.raw_text like '%' || listed.person_id || '%'
            ) then 1
        end
    ) as n_unmatched
from listed
left join known on listed.person_id = known.person_id
