{# Names of personas, put together from the words of their traits. #}

{# True where a row of the catalog says who people are rather than what they bring and do: no name
   is made of it, whatever else it may be used for. #}
{% macro is_demographic(catalog) -%}
    ({{ is_origin_or_age(catalog) }}
    or {{ catalog }}.source_column in ('persons.distance_km', 'stg_persons.distance_km'))
{%- endmacro %}

{# Endings of two traits as one: with a and b, without a or b. #}
{% macro both_endings(first, second) -%}
    case
        when {{ first }} like 'without %' and {{ second }} like 'without %'
            then {{ first }} || ' or ' || substr({{ second }}, 9)
        when {{ first }} like 'with %' and {{ second }} like 'with %'
            then {{ first }} || ' and ' || substr({{ second }}, 6)
        else {{ first }} || coalesce(' and ' || {{ second }}, '')
    end
{%- endmacro %}

{# A name from the traits of the given ranks, of columns adjective_1, noun_1, name_ending_1, ..: an
   adjective and a noun, else a noun and an ending, else endings alone; a third trait ends it. #}
{% macro persona_name(ranks) -%}
    {%- set a, b = ranks[0], ranks[1] -%}
    {%- set name -%}
        case
            when adjective_{{ a }} is not null and noun_{{ b }} is not null
                then adjective_{{ a }} || ' ' || noun_{{ b }}
            when adjective_{{ b }} is not null and noun_{{ a }} is not null
                then adjective_{{ b }} || ' ' || noun_{{ a }}
            when noun_{{ a }} is not null
                then {{ capitalized('noun_' ~ a) }} || coalesce(' ' || name_ending_{{ b }}, '')
            when noun_{{ b }} is not null
                then {{ capitalized('noun_' ~ b) }} || ' ' || name_ending_{{ a }}
            else 'Applicants ' || {{ both_endings('name_ending_' ~ a, 'name_ending_' ~ b) }}
        end
    {%- endset -%}
    {%- if ranks | length == 2 -%}
        {{ name }}
    {%- else -%}
        {{ name }} || case when {{ name }} like '% with%' then ' and ' else ' ' end
        || name_ending_{{ ranks[2] }}
    {%- endif -%}
{%- endmacro %}

{# A heading as a thing that one may have: with an article unless it is a plural. #}
{% macro with_article(words, article) -%}
    case
        when {{ words }} like '%s' and {{ words }} not like '%ss' then {{ words }}
        else '{{ article }} ' || {{ words }}
    end
{%- endmacro %}
