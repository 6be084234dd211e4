{%- set keys = reviewed_keys() -%}

with

diverted as (
    {%- for table, key in keys.items() %}
    select
        '{{ table }}' as table_name,
        diverted_by as rule,
        -- Of erased people not even the key stays.
        case
            when diverted_by = 'person_deleted' then 'withheld'
            else coalesce({{ key }}, 'missing')
        end as row_key
    from {{ ref('stg_' ~ table ~ '_reviewed') }}
    where diverted_by is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

counted as (
    select
        table_name,
        rule,
        row_key,
        count(*) as n_rows
    from diverted
    group by table_name, rule, row_key
)

select
    counted.table_name,
    counted.rule,
    counted.row_key,
    counted.n_rows,
    rules.description as reason
from counted
left join {{ ref('quality_rules') }} as rules
    on counted.rule = rules.rule
    and rules.scope = 'row'
