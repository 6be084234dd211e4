{%- set recorded = ['stage_events', 'interactions'] %}

with

withheld as (
    select table_name, n_rows from {{ ref('input__withheld_rows') }}
    where rule = 'after_as_of'
),

{% for table in knowledge_dates() -%}
dated_{{ table }} as (
    select
        '{{ table }}' as table_name,
        count(*) as n_rows,
        {{ count_where(known_day(table, 'delivered') ~ ' is null') }} as n_undated,
        {%- if table in recorded %}
        {{ count_where('delivered.recorded_at is null') }} as n_without_recorded_at,
        {{ count_where('delivered.recorded_at < delivered.occurred_at') }}
            as n_recorded_before_occurred,
        median({{ dbt.datediff('delivered.occurred_at', 'delivered.recorded_at', 'day') }})
            as median_days_to_record,
        {%- else %}
        cast(null as integer) as n_without_recorded_at,
        cast(null as integer) as n_recorded_before_occurred,
        cast(null as double) as median_days_to_record,
        {%- endif %}
        {%- if table == 'applications' %}
        {% for column in application_dates() -%}
        {{ '+ ' if not loop.first -}}
        {{ count_where('delivered.' ~ column ~ ' is not null and '
            ~ real_date('delivered.' ~ column) ~ ' is not null and '
            ~ known_date('delivered.' ~ column) ~ ' is null') }}
        {% endfor -%}
        as n_dates_after_as_of
        {%- else %}
        0 as n_dates_after_as_of
        {%- endif %}
    from {{ ref('input__' ~ table) }} as delivered
),

{% endfor -%}
tables as (
    {%- for table in knowledge_dates() %}
    select * from dated_{{ table }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    tables.table_name,
    cast(tables.n_rows as bigint) as n_rows,
    cast(coalesce(tables.n_undated, 0) as bigint) as n_undated,
    cast(tables.n_without_recorded_at as bigint) as n_without_recorded_at,
    cast(tables.n_recorded_before_occurred as bigint) as n_recorded_before_occurred,
    cast(tables.median_days_to_record as double) as median_days_to_record,
    cast(coalesce(withheld.n_rows, 0) as bigint) as n_after_as_of,
    cast(coalesce(tables.n_dates_after_as_of, 0) as bigint) as n_dates_after_as_of
from tables
left join withheld on tables.table_name = withheld.table_name
