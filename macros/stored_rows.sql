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
