{# What an earlier build left in a table of this schema, which the present build has yet to replace;
   no rows when there is none. #}
{% macro stored_rows(table_name) -%}
    {%- set stored = none -%}
    {%- if execute -%}
        {%- set stored = adapter.get_relation(this.database, this.schema, table_name) -%}
    {%- endif -%}
    {%- if stored is not none -%}
        select * from {{ stored }}
    {%- else -%}
        select cast(null as varchar) as phase, cast(null as varchar) as record
        where 1 = 0
    {%- endif -%}
{%- endmacro %}

{# Columns that an earlier build left in a table of this schema: {name: type}, a typed null where
   the table of then had no such column, and no rows when there was no table. #}
{% macro stored_columns(table_name, columns) -%}
    {%- set stored = none -%}
    {%- if execute -%}
        {%- set stored = adapter.get_relation(this.database, this.schema, table_name) -%}
    {%- endif -%}
    {%- set known = [] -%}
    {%- if stored is not none -%}
        {%- set known = adapter.get_columns_in_relation(stored) | map(attribute='name') | list -%}
    {%- endif -%}
    select
        {%- for name, type in columns.items() %}
        {{ name if name in known else 'cast(null as ' ~ type ~ ')' }} as {{ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    {%- if stored is not none %}
    from {{ stored }}
    {%- else %}
    where 1 = 0
    {%- endif %}
{%- endmacro %}
