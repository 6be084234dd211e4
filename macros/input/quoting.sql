{# Text and names from files or vars never reach SQL unquoted. #}

{% macro sql_string(text) -%}
    '{{ text | string | replace("'", "''") }}'
{%- endmacro %}

{% macro sql_strings(texts) -%}
    [{% for text in texts %}{{ sql_string(text) }}{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}

{% macro sql_boolean(value) -%}
    {{ 'true' if value else 'false' }}
{%- endmacro %}

{# A column name with any characters. #}
{% macro quote_name(name) -%}
    {{ return('"' ~ name | replace('"', '""') ~ '"') }}
{%- endmacro %}
