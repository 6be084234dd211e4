{# Bound of Wilson's 95 % interval of a rate, within 0 and 1; `sign` is '-' or '+'. #}
{% macro wilson_bound(n_positive, n, sign) -%}
    {%- set z = 1.959964 -%}
    {%- set rate = '(' ~ n_positive ~ ') / cast(' ~ n ~ ' as double)' -%}
    least(1.0, greatest(0.0, (
        {{ rate }} + {{ z * z }} / (2 * {{ n }}) {{ sign }} {{ z }} * sqrt(
            {{ rate }} * (1 - {{ rate }}) / {{ n }} + {{ z * z }} / (4.0 * {{ n }} * {{ n }})
        )
    ) / (1 + {{ z * z }} / {{ n }})))
{%- endmacro %}
