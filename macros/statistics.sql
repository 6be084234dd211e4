{# Averages of doubles depend on the order of summation, hence on the number of threads.
   Sums of decimals do not, so every fitted statistic goes through these macros. #}

{% macro stable_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(38, 9))) as double)
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

{% macro stable_stddev(expression) -%}
    sqrt({{ stable_variance(expression) }})
{%- endmacro %}
