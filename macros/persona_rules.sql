{# Rules of personas: rows of conditions as SQL and in words. #}

{# Features that may be told of people: numeric, not protected. #}
{% macro told_features() -%}
    {{ return(
        catalog_features(roles=['persona', 'both', 'describe'], kinds=numeric_kinds())
        | rejectattr('protected') | list
    ) }}
{%- endmacro %}

{# One condition on a value; a missing value meets `missing` only. #}
{% macro condition_sql(operator, expression, value) -%}
    {%- if operator == 'missing' -%}
        {{ expression }} is null
    {%- elif operator == 'known' -%}
        {{ expression }} is not null
    {%- else -%}
        {{ expression }} {{ '>=' if operator == 'at_least' else '<' }} {{ value }}
    {%- endif -%}
{%- endmacro %}

{# One condition in words that follow `with`, of columns kind, unit, words (the label within a
   sentence), operator, value, and phrase, which words those that compare no number. #}
{% macro condition_words() -%}
    case
        when operator in ('missing', 'known') or kind = 'boolean' then phrase
        when kind = 'count' and value <= 1 and {{ unit_tells_all('kind', 'unit') }}
            then case operator when 'at_least' then 'some ' else 'no ' end || unit
        else case
            when unit = 'percentile'
                then case operator when 'at_least' then 'grades ' else 'grades not ' end
            when {{ unit_tells_all('kind', 'unit') }}
                then case operator when 'at_least' then 'at least ' else 'fewer than ' end
            else case
                when unit = 'TOEFL iBT' then 'English' else {{ with_article('words', 'a') }}
            end || case operator when 'at_least' then ' of at least ' else ' below ' end
        end || {{ in_unit('value', 'kind', 'unit') }}
    end
{%- endmacro %}
