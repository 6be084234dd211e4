{# Averages of doubles depend on the order of summation, hence on the number of threads.
   Sums of decimals do not, so every fitted statistic goes through these macros. A decimal holds
   neither 1e30 nor 1e-20, so values of any magnitude are first placed between two bounds, the
   least and the largest of them, and what is found there is taken back to their own scale. #}

{# Of values that are small in sum: shares, probabilities, counts. #}
{% macro stable_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(38, 18))) as double)
{%- endmacro %}

{% macro stable_avg(expression) -%}
    ({{ stable_sum(expression) }} / nullif(count({{ expression }}), 0))
{%- endmacro %}

{# Population variance; never negative. #}
{% macro stable_variance(expression) -%}
    greatest(
        {{ stable_avg('(' ~ expression ~ ') * (' ~ expression ~ ')') }}
        - power({{ stable_avg(expression) }}, 2), 0
    )
{%- endmacro %}

{# Where a value lies between two bounds, from 0 to 1. Halves, for the difference of two doubles
   may be none. #}
{% macro position_between(value, low, high) -%}
    case
        when {{ high }} > {{ low }}
            then (({{ value }}) / 2 - ({{ low }}) / 2) / (({{ high }}) / 2 - ({{ low }}) / 2)
        when {{ value }} is not null then 0e0
    end
{%- endmacro %}

{# The value at a position between two bounds. #}
{% macro value_between(position, low, high) -%}
    ({{ low }} * (1 - {{ position }}) + {{ high }} * {{ position }})
{%- endmacro %}
