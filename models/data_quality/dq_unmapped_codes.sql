{%- set columns_by_table = {} -%}
{%- for code_set, table, column in coded_columns() -%}
    {%- do columns_by_table.setdefault(table, []).append(column) -%}
{%- endfor -%}

with

unmapped as (
    select
        *,
        {{ code_key('code') }} as code_key
    from {{ ref('stg_codes') }}
    where value is null
),

-- Only rows that stay are counted and shown as examples; events of an unknown stage would stay.
{% for table, columns in columns_by_table.items() -%}
rows_of_{{ table }} as (
    select
        {{ 'application_id' if table == 'stage_events' else reviewed_keys()[table] }} as row_key,
        {{ columns | join(', ') }}
    from {{ ref('stg_' ~ table ~ '_reviewed') }}
    where (diverted_by is null or diverted_by = 'unmapped_stage')
        and (
            {%- for column in columns %}
            {{ 'or ' if not loop.first }}{{ column }} in (
                select code from unmapped
                where table_name = '{{ table }}' and column_name = '{{ column }}'
            )
            {%- endfor %}
        )
),

{% endfor -%}
held as (
    {%- for code_set, table, column in coded_columns() %}
    select '{{ table }}' as table_name, '{{ column }}' as column_name, {{ column }} as code, row_key
    from rows_of_{{ table }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

counted as (
    select
        unmapped.code_set,
        unmapped.code_key,
        min(trim(unmapped.code)) as code,
        count(*) as n,
        min(held.row_key) as example_key
    from unmapped
    inner join held
        on unmapped.table_name = held.table_name
        and unmapped.column_name = held.column_name
        and unmapped.code = held.code
    group by unmapped.code_set, unmapped.code_key
),

-- Why rows that the user's crosswalks have for a code do not hold.
faults as (
    select
        code_set,
        code_key,
        min(diverted_by) as rule
    from {{ ref('stg_crosswalks_reviewed') }}
    where origin = 'user' and diverted_by is not null
    group by code_set, code_key
)

select
    counted.code_set,
    counted.code,
    counted.n,
    counted.example_key,
    coalesce(rules.description, 'The code is in no crosswalk') as reason
from counted
left join faults
    on counted.code_set = faults.code_set
    and counted.code_key = faults.code_key
left join {{ ref('quality_rules') }} as rules
    on faults.rule = rules.rule
    and rules.scope = 'row'
