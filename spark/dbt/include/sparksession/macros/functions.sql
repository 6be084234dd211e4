{# Functions of dbt as DuckDB writes them, for the session translates what it runs. #}

{% macro sparksession__dateadd(datepart, interval, from_date_or_timestamp) -%}
    cast({{ from_date_or_timestamp }} as timestamp) + ({{ interval }}) * interval '1' {{ datepart }}
{%- endmacro %}

{# Midnights between two moments. #}
{% macro sparksession__datediff(first_date, second_date, datepart) -%}
    {%- if datepart != 'day' -%}
        {{ exceptions.raise_compiler_error('datediff knows days only on Spark, not ' ~ datepart) }}
    {%- endif -%}
    date_diff('day', cast({{ first_date }} as date), cast({{ second_date }} as date))
{%- endmacro %}

{% macro sparksession__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    {%- if limit_num -%}
        {{ exceptions.raise_compiler_error('listagg knows no limit on Spark') }}
    {%- endif -%}
    listagg({{ measure }}, {{ delimiter_text }} {{ order_by_clause or '' }})
{%- endmacro %}
