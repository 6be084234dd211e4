{# A sample of bounded size that is the same on every machine: the first rows in the order of a
   draw. #}

{# What an id draws: whole, evenly from 0 to 2^60. #}
{% macro sample_draw(id) -%}
    {{ stable_hash(id ~ " || '-" ~ var('seed') ~ "'") }}
{%- endmacro %}

{# True for the first `size` rows of n, whose draws are these, and for some more: so many that fewer
   are never expected, and few enough that only they have to be put in order. #}
{% macro may_be_sampled(draw, n, size) -%}
    {{ draw }} <= {{ double_literal((1.2 * size + 1000) * 2.0 ** 60) }} / {{ n }}
{%- endmacro %}
