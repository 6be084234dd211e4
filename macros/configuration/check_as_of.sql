{# How many days the build may speak for after the last one that the input knows of. #}
{% macro most_days_ahead() -%}
    {{ return(366) }}
{%- endmacro %}

{# Hook of int_as_of: only the staged input says what its last day is. A day so far after it is a
   slip of the pen, or the export is not the one that was meant; every cycle would be finished. #}
{% macro check_as_of() -%}
    {%- if execute and var('as_of') is not none -%}
        {%- set query -%}
            select
                latest_known_on,
                cast({{ dbt.dateadd('day', most_days_ahead(), 'latest_known_on') }} as date)
                    as last_day
            from {{ this }}
            where as_of > {{ dbt.dateadd('day', most_days_ahead(), 'latest_known_on') }}
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- do stop(
                'the var as_of is ' ~ var('as_of') ~ ', more than a year after ' ~ row[0]
                ~ ', the last day that the input knows anything of; give a day until ' ~ row[1]
                ~ ', null for the last day itself, or a newer export.'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
