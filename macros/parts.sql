{# A join that holds more than memory does is made in parts, one after the other. A model whose meta
   has `parted_like: <model>` has as many parts as that model's rows need; its SQL keeps the rows of
   one part, on both sides of each large join: `where {{ in_part('application_id') }}`. #}

{# Number of parts that so many rows need. #}
{% macro n_parts(relation) -%}
    {%- set n_rows = run_query('select count(*) from ' ~ relation).columns[0].values()[0] -%}
    {{ return(1 + n_rows // var('rows_at_once')) }}
{%- endmacro %}

{# Statements that say which part is made next. #}
{% macro begin_part(part, n) -%}
    set variable part = {{ part }}; set variable n_parts = {{ n }};
{%- endmacro %}

{# Condition: the row is of the part that is made; of any where no part is. #}
{% macro in_part(column) -%}
    {{ return(adapter.dispatch('in_part', 'applicant_personas')(column)) }}
{%- endmacro %}

{% macro duckdb__in_part(column) -%}
    (
        getvariable('part') is null
        or hash({{ column }}) % getvariable('n_parts') = getvariable('part')
    )
{%- endmacro %}

{# Spark parts its joins by itself. #}
{% macro spark__in_part(column) -%}
    true
{%- endmacro %}
