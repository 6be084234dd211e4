{%- set keys = reviewed_keys() -%}
{%- set set_names = [] -%}
{%- for code_set, table, column, crosswalk in coded_columns() -%}
    {%- do set_names.append('unmapped_' ~ table ~ '_' ~ column) -%}
{%- endfor -%}

with

{% for code_set, table, column, crosswalk in coded_columns() -%}
{%- set key = 'application_id' if table == 'stage_events' else keys[table] -%}
{%- set staged = 'stg_applications' if table == 'stage_events' else 'stg_' ~ table -%}
codes_of_{{ table }}_{{ column }} as (
    select distinct codes.code
    from (
        select distinct {{ column }} as code from {{ ref('input__' ~ table) }}
        where {{ column }} is not null
    ) as codes
    left join {{ ref(crosswalk) }} as crosswalk
        on {{ code_key('codes.code') }} = {{ code_key('crosswalk.code') }}
        {%- if crosswalk == 'xwalk_values' %}
        and crosswalk.code_set = '{{ code_set }}'
        {%- endif %}
    where crosswalk.code is null
),

-- Only rows that stay are counted and shown as examples.
unmapped_{{ table }}_{{ column }} as (
    select
        '{{ code_set }}' as code_set,
        rows_in.{{ column }} as code,
        rows_in.{{ key }} as row_key
    from {{ ref('input__' ~ table) }} as rows_in
    inner join codes_of_{{ table }}_{{ column }} as codes on rows_in.{{ column }} = codes.code
    inner join {{ ref(staged) }} as staged on rows_in.{{ key }} = staged.{{ key }}
),

{% endfor -%}
unmapped as (
    {%- for name in set_names %}
    select code_set, code, row_key from {{ name }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    code_set,
    min(trim(code)) as code,
    count(*) as n,
    min(row_key) as example_key
from unmapped
group by code_set, {{ code_key('code') }}
