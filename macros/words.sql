{# A figure as people write it: a share as a percentage, a number with at most two decimals. #}
{% macro in_words(expression, is_share) -%}
    (case
        when {{ is_share }}
            then cast(cast(round(100 * {{ expression }}, 0) as integer) as varchar) || ' %'
        else cast(cast({{ expression }} as decimal(18, 2)) as varchar)
    end)
{%- endmacro %}

{# A figure between -1 and 1 as statisticians write it: .84. #}
{% macro two_decimals(expression) -%}
    replace(cast(cast({{ expression }} as decimal(18, 2)) as varchar), '0.', '.')
{%- endmacro %}

{# A number with what it counts: 1 row, 2 rows. #}
{% macro counted(number, noun) -%}
    cast({{ number }} as varchar) || ' {{ noun }}'
    || case when {{ number }} = 1 then '' else 's' end
{%- endmacro %}
