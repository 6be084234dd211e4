{# 60 bits of the md5 of a text as an integer: the same on every engine and in every build. #}
{% macro stable_hash(expression) -%}
    {{ return(adapter.dispatch('stable_hash', 'applicant_personas')(expression)) }}
{%- endmacro %}

{% macro spark__stable_hash(expression) -%}
    cast(conv(substr(md5({{ expression }}), 1, 15), 16, 10) as bigint)
{%- endmacro %}

{% macro duckdb__stable_hash(expression) -%}
    cast('0x' || substr(md5({{ expression }}), 1, 15) as bigint)
{%- endmacro %}
