{# The name of a group of an attribute; `all` is the word for every group together. #}
{% macro group_name(value) -%}
    case when {{ value }} = 'all' then 'all (value)' else coalesce({{ value }}, 'unknown') end
{%- endmacro %}

{# Bound of Newcombe's 95 % interval (1998, method 10) of the difference of two rates, of which each
   has Wilson's interval; `sign` is '-' or '+'. #}
{% macro newcombe_bound(rate, low, high, other, other_low, other_high, sign) -%}
    {{ rate }} - {{ other }} {{ sign }} sqrt(
        {%- if sign == '-' %}
        power({{ rate }} - {{ low }}, 2) + power({{ other_high }} - {{ other }}, 2)
        {%- else %}
        power({{ high }} - {{ rate }}, 2) + power({{ other }} - {{ other_low }}, 2)
        {%- endif %}
    )
{%- endmacro %}

{# Bound of the 95 % interval of the ratio of two rates on the log scale (Katz 1978); none where one
   of them is 0. #}
{% macro katz_bound(n_positive, n, n_positive_other, n_other, sign) -%}
    case when {{ n_positive }} > 0 and {{ n_positive_other }} > 0
        then {{ n_positive }} * 1e0 / {{ n }} / ({{ n_positive_other }} * 1e0 / {{ n_other }})
            * exp({{ sign }} 1.959964 * sqrt(
                greatest(
                    0,
                    1e0 / {{ n_positive }} - 1e0 / {{ n }}
                    + 1e0 / {{ n_positive_other }} - 1e0 / {{ n_other }}
                )
            ))
    end
{%- endmacro %}
