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
            count({{
                known_date(name) if table_name == 'applications' and name in application_dates()
                else quote_name(name)
            }}) as {{ quote_name(name) }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ relation }}
    ) as counts
    cross join (
        values {% for name in names -%}
            ({{ sql_string(name) }}){{ ', ' if not loop.last }}
        {%- endfor %}
    ) as names (column_name)
{%- endmacro %}

{# Whether a comma separated list holds an item. #}
{% macro list_holds(list, item) -%}
    ', ' || {{ list }} || ',' like '%, ' || {{ item }} || ',%'
{%- endmacro %}
