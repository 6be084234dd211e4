{%- set keys = reviewed_keys() -%}

with

unmapped as (
    {%- for code_set, table, column, crosswalk in coded_columns() %}
    select
        '{{ code_set }}' as code_set,
        reviewed.{{ column }} as code,
        reviewed.{{ 'application_id' if table == 'stage_events' else keys[table] }} as row_key
    from {{ ref('stg_' ~ table ~ '_reviewed') }} as reviewed
    left join {{ ref(crosswalk) }} as crosswalk
        on {{ code_key('reviewed.' ~ column) }} = {{ code_key('crosswalk.code') }}
        {%- if crosswalk == 'xwalk_values' %}
        and crosswalk.code_set = '{{ code_set }}'
        {%- endif %}
    where (reviewed.diverted_by is null or reviewed.diverted_by = 'unmapped_stage')
        and reviewed.{{ column }} is not null
        and crosswalk.code is null
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
