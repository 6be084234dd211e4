{# Rows, and values in each column, of a table of the contract: one scan, one row a column. #}
{% macro count_filled(table_name, relation) -%}
    {%- if not execute -%}
        {{ return('select 1 as parsed') }}
    {%- endif -%}
    {%- set names = find_contract_table(table_name).columns | map(attribute='name') | list -%}
    select
        {{ sql_string(table_name) }} as table_name,
        names.column_name,
        counts.n_rows,
        case names.column_name
            {%- for name in names %}
            when {{ sql_string(name) }} then counts.{{ quote_name(name) }}
            {%- endfor %}
        end as n_filled
    from (
        select
            count(*) as n_rows,
            {%- for name in names %}
            count({{ known_date(name) if table_name == 'applications' and name in application_dates()
                else quote_name(name) }}) as {{ quote_name(name) }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ relation }}
    ) as counts
    cross join (
        values {% for name in names -%}
            ({{ sql_string(name) }}){{ ', ' if not loop.last }}
        {%- endfor %}
    ) as names (column_name)
{%- endmacro %}

{# Tables as the contract describes them: name, whether required, blocks fed, marts. #}
{% macro list_contract_tables() -%}
    {%- if not execute -%}
        {{ return('select 1 as parsed') }}
    {%- endif -%}
    select *
    from (
        values
        {%- for table in contract_tables() %}
        (
            {{ sql_string(table.name) }}, {{ sql_boolean(table.required) }},
            {{ sql_string(table.feeds | join(', ')) }}, {{ sql_string(table.marts | join(', ')) }}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ) as tables (table_name, is_required_table, blocks, marts)
{%- endmacro %}

{# Whether a comma separated list holds an item. #}
{% macro list_holds(list, item) -%}
    ', ' || {{ list }} || ',' like '%, ' || {{ item }} || ',%'
{%- endmacro %}
