{# A value from text in the given type, or null where the text does not say such a value.
   Stricter than the engines, which round 1.5 to 2, read `nan`, `infinity` and 1_60, drop offsets,
   and take those of 99 hours. #}
{% macro try_cast(expression, type) -%}
    {%- if type == 'boolean' -%}
    case
        when lower({{ expression }}) in ('true', 't', 'yes', 'y', '1') then true
        when lower({{ expression }}) in ('false', 'f', 'no', 'n', '0') then false
    end
    {%- elif type == 'double' -%}
    case
        when {{ is_grouped(expression) }} then null
        when {{ text_as_double(expression) }} between -1e300 and 1e300
            then {{ text_as_double(expression) }}
        when {{ expression }} like '%,%'
            then try_cast({{ with_decimal_point(expression) }} as double)
    end
    {%- elif type == 'integer' -%}
    case
        when {{ is_grouped(expression) }} then null
        when {{ text_as_double(expression) }} between -2147483648 and 2147483647
            and {{ text_as_double(expression) }} = floor({{ text_as_double(expression) }})
            then cast({{ text_as_double(expression) }} as integer)
    end
    {%- elif type == 'date' -%}
    {{ try_cast_iso(expression, 'date') }}
    {%- elif type == 'timestamp' -%}
    case
        when {{ has_utc_offset(expression) }} then case
            when not {{ matches(expression, '[+-](1[5-9]|[2-9][0-9])(:?[0-9][0-9]){0,2}$') }}
                then {{ offset_to_utc(expression) }}
        end
        else {{ local_to_utc(try_cast_iso(expression, 'timestamp')) }}
    end
    {%- else -%}
    try_cast({{ expression }} as {{ type }})
    {%- endif -%}
{%- endmacro %}

{% macro text_as_double(expression) -%}
    {{ return(adapter.dispatch('text_as_double', 'applicant_personas')(expression)) }}
{%- endmacro %}

{# Java's numbers may end in a letter: 1d, 1f. #}
{% macro spark__text_as_double(expression) -%}
    case
        when not {{ matches(expression, '[a-zA-Z]$') }} then try_cast({{ expression }} as double)
    end
{%- endmacro %}

{% macro duckdb__text_as_double(expression) -%}
    try_cast({{ expression }} as double)
{%- endmacro %}

{# Engines read digits in groups, as programmers write them: 1_60. #}
{% macro is_grouped(expression) -%}
    position('_' in {{ expression }}) > 0
{%- endmacro %}

{# Numbers as people write them: `3,5` and `1.234,5` have a decimal comma, `1,234.5` a separator of
   thousands. `1,500` may be either, so it is none. #}
{% macro with_decimal_point(expression) -%}
    case
        when {{ matches(expression, '^[+-]?[0-9]+,([0-9]{1,2}|[0-9]{4,})$') }}
            or {{ matches(expression, '^[+-]?0,[0-9]+$') }}
            then replace({{ expression }}, ',', '.')
        when {{ matches(expression, '^[+-]?[0-9]{1,3}([.][0-9]{3})+,[0-9]+$') }}
            then replace(replace({{ expression }}, '.', ''), ',', '.')
        when {{ matches(expression, '^[+-]?[0-9]{1,3}(,[0-9]{3})+[.][0-9]+$') }}
            then replace({{ expression }}, ',', '')
    end
{%- endmacro %}

{% macro matches(expression, pattern) -%}
    regexp_matches({{ expression }}, '{{ pattern }}')
{%- endmacro %}

{# Only texts that begin as an ISO date do: engines also read words such as `epoch`. #}
{% macro try_cast_iso(expression, type) -%}
    case
        when {{ expression }} like '____-__-__%' then try_cast({{ expression }} as {{ type }})
    end
{%- endmacro %}

{% macro has_utc_offset(expression) -%}
    (length({{ expression }}) > 16
    and {{ matches('substr(' ~ expression ~ ', 12)', '[A-Za-z+-]') }})
{%- endmacro %}

{% macro offset_to_utc(expression) -%}
    {{ return(zoned_to_utc('try_cast(' ~ expression ~ ' as timestamp with time zone)')) }}
{%- endmacro %}

{# Times without an offset are those of the institution. Midnight stands for the whole day, which
   stays the day that it says. #}
{% macro local_to_utc(expression) -%}
    {%- if (var('institution_timezone') or 'UTC') == 'UTC' -%}
        {{ return(expression) }}
    {%- endif -%}
    case
        when {{ expression }} = cast({{ expression }} as date) then {{ expression }}
        else {{ zone_to_utc(expression) }}
    end
{%- endmacro %}

{% macro zone_to_utc(expression) -%}
    {{ return(adapter.dispatch('zone_to_utc', 'applicant_personas')(expression)) }}
{%- endmacro %}

{# Of an hour that comes twice, DuckDB takes the second one, Spark the first. #}
{% macro spark__zone_to_utc(expression) -%}
    {%- set zone = sql_string(var('institution_timezone')) -%}
    {%- set first = 'convert_timezone(' ~ zone ~ ", 'UTC', " ~ expression ~ ')' -%}
    {%- set second = first ~ " + interval '1' hour" -%}
    case
        when convert_timezone('UTC', {{ zone }}, {{ second }}) = {{ expression }} then {{ second }}
        else {{ first }}
    end
{%- endmacro %}

{% macro duckdb__zone_to_utc(expression) -%}
    timezone('UTC', timezone({{ sql_string(var('institution_timezone')) }}, {{ expression }}))
{%- endmacro %}

{# Text without outer white space; null where nothing is left. Trimming a set of characters is slow,
   and nearly every value begins and ends in print. #}
{% macro blank_to_null(expression) -%}
    {%- set blanks = 'chr(9) || chr(10) || chr(13) || chr(32) || chr(160)' -%}
    case
        when {{ expression }} >= '!' and {{ expression }} < chr(127)
            and substr({{ expression }}, -1) between '!' and '~'
            then {{ expression }}
        else nullif(trim({{ expression }}, {{ blanks }}), '')
    end
{%- endmacro %}
