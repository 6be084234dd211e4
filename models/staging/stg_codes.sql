{{ config(materialized='table') }}

with

crosswalks as (
    select * from {{ ref('stg_crosswalks_reviewed') }}
    where diverted_by is null
),

delivered as (
    {%- for code_set, table, column in coded_columns() %}
    select
        '{{ table }}' as table_name,
        '{{ column }}' as column_name,
        '{{ code_set }}' as code_set,
        {{ column }} as code,
        count(*) as n_rows
    from {{ ref('input__' ~ table) }}
    where {{ column }} is not null
    group by {{ column }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    delivered.table_name,
    delivered.column_name,
    delivered.code_set,
    delivered.code,
    case
        when delivered.code_set = 'program' then coalesce(crosswalks.value, delivered.code)
        else crosswalks.value
    end as value,
    crosswalks.channel,
    crosswalks.weight,
    crosswalks.origin,
    delivered.n_rows
from delivered
left join crosswalks
    on delivered.code_set = crosswalks.code_set
    and {{ code_key('delivered.code') }} = crosswalks.code_key
