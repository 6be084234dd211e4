{# Values as people say them: with their unit, without digits that nobody reads. #}

{# The name of a feature as a heading, for users who give no label; of a count the plural. #}
{% macro name_as_words(feature, kind) -%}
    {%- set name = 'lower(trim(' ~ feature ~ '))' -%}
    {%- set words = "replace(case when " ~ name ~ " like 'x!_%' escape '!' then substr(" ~ name
        ~ ", 3) else " ~ name ~ " end, '_', ' ')" -%}
    ({{ capitalized(words) }} || case
        when lower({{ kind }}) = 'count' and {{ name }} not like '%s' then 's' else ''
    end)
{%- endmacro %}

{# A heading without what stands in parentheses. #}
{% macro plain_heading(heading) -%}
    trim(regexp_replace({{ heading }}, ' *[(][^)]*[)]', ''))
{%- endmacro %}

{# A heading within a sentence: plain, and without its capital unless that belongs to the word. #}
{% macro within_sentence(heading) -%}
    {%- set text = plain_heading(heading) -%}
    case
        when {{ text }} like 'English%'
            or substr({{ text }}, 2, 1) <> lower(substr({{ text }}, 2, 1))
            then {{ text }}
        else lower(substr({{ text }}, 1, 1)) || substr({{ text }}, 2)
    end
{%- endmacro %}

{% macro capitalized(text) -%}
    (upper(substr({{ text }}, 1, 1)) || substr({{ text }}, 2))
{%- endmacro %}

{# A number with as many digits as people say: 158, 7.3, 0.25. #}
{% macro figure(value) -%}
    case
        when abs({{ value }}) >= 1e15 or abs({{ value }}) < 0.005 and {{ value }} <> 0
            then cast({{ value }} as varchar)
        when abs({{ value }}) >= 10 or round({{ value }}, 2) = round({{ value }}, 0)
            then cast(cast(round({{ value }}, 0) as bigint) as varchar)
        when abs({{ value }}) >= 1 or round({{ value }}, 2) = round({{ value }}, 1)
            then cast(cast(round({{ value }}, 1) as decimal(18, 1)) as varchar)
        else cast(cast(round({{ value }}, 2) as decimal(18, 2)) as varchar)
    end
{%- endmacro %}

{# The value without the unit where that is said already: 83 %, 98 (IELTS 7), 3. #}
{% macro in_unit_briefly(value, kind, unit) -%}
    case
        when {{ kind }} = 'boolean' or {{ unit }} in ('%', 'percentile')
            then {{ share_in_words(value) }}
        when {{ unit }} = 'TOEFL iBT'
            then {{ figure(value) }} || coalesce(' (IELTS ' || {{ ielts_of(value) }} || ')', '')
        when {{ kind }} = 'count' and {{ value }} > 0 and {{ value }} < 0.005 then 'nearly 0'
        else {{ figure(value) }}
    end
{%- endmacro %}

{% macro share_in_words(share) -%}
    {%- set percent = 'round(100 * (' ~ share ~ '), 0)' -%}
    (case
        when abs({{ percent }}) >= 1e15 then cast({{ percent }} as varchar)
        else cast(cast({{ percent }} as bigint) as varchar)
    end || ' %')
{%- endmacro %}

{# The value with its unit: better than 83 % of .., TOEFL iBT 98 (IELTS 7), 3 webinars. #}
{% macro in_unit(value, kind, unit) -%}
    (case {{ unit }}
        when 'percentile' then 'better than '
        when 'TOEFL iBT' then 'TOEFL iBT '
        else ''
    end || {{ in_unit_briefly(value, kind, unit) }} || case
        when {{ unit }} = 'percentile' then ' of applicants with the same scale'
        when {{ kind }} = 'boolean' or {{ unit }} in ('%', 'TOEFL iBT') then ''
        else coalesce(' ' || {{ unit }}, '')
    end)
{%- endmacro %}

{# True where the unit says what the number is of, so that no heading is needed before it. #}
{% macro unit_tells_all(kind, unit) -%}
    ({{ unit }} not in ('%', 'percentile', 'TOEFL iBT') and {{ unit }} not like 'of %'
    and ({{ kind }} = 'count' or {{ unit }} like '% %'))
{%- endmacro %}

{# Between which values the middle half of a group lies. #}
{% macro middle_half(low, high, kind, unit) -%}
    {%- set from, to = in_unit_briefly(low, kind, unit), in_unit_briefly(high, kind, unit) -%}
    case
        when {{ from }} <> {{ to }}
            then 'half of them between ' || {{ from }} || ' and ' || {{ to }}
        when {{ kind }} = 'count' and {{ low }} = 0 then 'most of them none'
        else 'most of them ' || {{ from }}
    end
{%- endmacro %}

{# IELTS band of a score on the TOEFL iBT axis, by the concordance in force. #}
{% macro ielts_of(toefl) -%}
    {%- set bands = fitted_rows(
        'concordance_english', order_by='toefl_ibt_min desc, score_min desc',
        where="test_code = 'ielts' and is_default and score_min > 0"
    ) -%}
    case
        {%- for band in bands %}
        when round({{ toefl }}, 0) >= {{ band.toefl_ibt_min }} then '{{ '%g' % band.score_min }}'
        {%- else %}
        when false then ''
        {%- endfor %}
    end
{%- endmacro %}

{# Part of an address: lower case, hyphens, nothing else. #}
{% macro slug(text) -%}
    trim(regexp_replace(lower({{ text }}), '[^a-z0-9]+', '-', 'g'), '-')
{%- endmacro %}

{# The scale on which people say how much they intend to enroll. #}
{% macro intent_scale() -%}
    {{ return([0, 10]) }}
{%- endmacro %}
