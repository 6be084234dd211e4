{# The chance that a normal variable lies below z standard deviations: Abramowitz and Stegun
   26.2.17, off by less than 7.5e-8. #}
{% macro normal_cdf(z) -%}
    {%- set t = '(1 / (1 + 0.2316419 * abs(' ~ z ~ ')))' -%}
    {%- set tail = 'exp(-(' ~ z ~ ') * (' ~ z ~ ') / 2) * 0.3989422804014327 * ' ~ t ~ ' * ('
        ~ '0.319381530 + ' ~ t ~ ' * (-0.356563782 + ' ~ t ~ ' * (1.781477937 + ' ~ t
        ~ ' * (-1.821255978 + ' ~ t ~ ' * 1.330274429))))' -%}
    (case when ({{ z }}) >= 0 then 1 - {{ tail }} else {{ tail }} end)
{%- endmacro %}

{# Variance of the number of people who reach the outcome, of those of a cell who stand in one
   phase: of each person by chance (spread is the sum of p (1 - p)), of the level, which the model
   learned from n_training rows, of a cell from its share of them, and of cycles on the log-odds. #}
{% macro headcount_variance(n_in_phase, spread, n_training, tau) -%}
    {{ spread }}
    + {{ n_in_phase }} * {{ spread }} / greatest({{ n_training }}, 1)
    + power({{ tau }} * {{ spread }}, 2)
{%- endmacro %}

{# Bound of the interval of a headcount that holds with the given confidence in percent, never below
   those already counted; `sign` is '-' or '+'. #}
{% macro headcount_bound(expected, deviation, already, percent, sign) -%}
    {%- set z = {80: 1.281552, 95: 1.959964}[percent] -%}
    case
        when {{ expected }} is not null
            then greatest({{ already }}, {{ expected }} {{ sign }} {{ z }} * {{ deviation }})
    end
{%- endmacro %}

{# The chance that a headcount exceeds a capacity. #}
{% macro chance_to_exceed(capacity, expected, deviation, already) -%}
    case
        when {{ already }} > {{ capacity }} then 1
        when {{ deviation }} > 0 then 1 - {{ normal_cdf(
            '((' ~ capacity ~ ' + 0.5 - ' ~ expected ~ ') / nullif(' ~ deviation ~ ', 0))'
        ) }}
        when {{ expected }} <= {{ capacity }} then 0
    end
{%- endmacro %}

{# What the marts of headcounts publish of a cell: nothing where it is hidden, and where those who
   have enrolled are, nothing that the expected headcount could be compared with. #}
{% macro headcount_columns() -%}
    case when not is_suppressed then cast(n_population as bigint) end as n_population,
    case when not is_reached_suppressed then cast(n_reached as bigint) end as already_enrolled,
    {%- for column in ['expected_in_ladder', 'expected_yet_to_come'] %}
    case when not is_reached_suppressed then round({{ column }}, 9) end as {{ column }},
    {%- endfor %}
    case when not is_suppressed then round(expected, 9) end as expected,
    {%- for percent in [80, 95] %}
    case
        when not is_reached_suppressed or not is_suppressed and low_{{ percent }} > n_reached
            then round(low_{{ percent }}, 9)
    end as low_{{ percent }},
    case when not is_suppressed then round(high_{{ percent }}, 9) end as high_{{ percent }}
    {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
