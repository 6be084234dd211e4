{# What was not known yet on the day that the build speaks for is kept out where the input is read,
   so that no later layer can look at it. #}

{# The columns that date a row: it became known on the first of these that is given, or on the
   last of these days. An application begins with its first stage: what was agreed on or decided
   of it, on whatever day, does not make it any older. #}
{% macro knowledge_dates() -%}
    {{ return({
        'persons': ['coalesce', ['created_at']],
        'applications': ['coalesce', stage_dates()],
        'stage_events': ['greatest', ['recorded_at', 'occurred_at']],
        'test_scores': ['coalesce', ['received_at', 'test_date']],
        'education_records': ['coalesce', ['received_at']],
        'interactions': ['greatest', ['recorded_at', 'occurred_at']],
    }) }}
{%- endmacro %}

{# Dates of the stages of an application, in their order. #}
{% macro stage_dates() -%}
    {{ return([
        'started_at', 'submitted_at', 'completed_at', 'admitted_at', 'denied_at', 'deposited_at',
        'enrolled_at', 'withdrawn_at',
    ]) }}
{%- endmacro %}

{% macro application_dates() -%}
    {{ return(stage_dates() + ['scholarship_offered_at']) }}
{%- endmacro %}

{# The last day of which anything may be known: that of the var as_of, or today. #}
{% macro last_known_day() -%}
    {%- if var('as_of') is none -%}
        current_date
    {%- else -%}
        cast({{ sql_string(var('as_of')) }} as date)
    {%- endif -%}
{%- endmacro %}

{# The day on which a row of a table became known; null where nothing dates it. #}
{% macro known_day(table_name, alias) -%}
    {%- set rule, columns = knowledge_dates()[table_name] -%}
    {%- set days = [] -%}
    {%- for column in columns -%}
        {%- do days.append('cast(' ~ real_date(alias ~ '.' ~ column) ~ ' as date)') -%}
    {%- endfor -%}
    {{ days[0] if days | length == 1 else rule ~ '(' ~ days | join(', ') ~ ')' }}
{%- endmacro %}

{# True for a row, read as `delivered`, that became known after the day; none for undated tables. #}
{% macro late_condition(table_name) -%}
    {%- if table_name in knowledge_dates() -%}
        {{ return(
            'coalesce(' ~ known_day(table_name, 'delivered') ~ ' > ' ~ last_known_day() ~ ', false)'
        ) }}
    {%- endif -%}
{%- endmacro %}

{# True for a date after the day. #}
{% macro is_late(column) -%}
    coalesce(cast({{ real_date(column) }} as date) > {{ last_known_day() }}, false)
{%- endmacro %}

{# A date of an application, unless it was still to come. #}
{% macro known_date(column) -%}
    case
        when {{ column }} >= date '1901-01-01'
            and cast({{ column }} as date) <= {{ last_known_day() }}
            then {{ column }}
    end
{%- endmacro %}
