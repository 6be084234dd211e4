{# How sure an applicant's persona is, and why it is this one: over the columns of the persona space
   with 0 for what is missing (see filled_columns). #}

{# How much nearer a column brings an applicant to the center of their persona than to the average,
   which is 0: value^2 - (value - center)^2 where it is known. #}
{% macro nearer_by(column, centers) -%}
    case persona_number
    {%- for key, center in centers.items() %}
        {%- set value = center[column.column_name] %}
            when {{ loop.index }} then {{ double_literal(2 * value) }} * {{ column.column_name }}
                - {{ double_literal(value * value) }} * {{ is_known(column) }}
    {%- endfor %}
        end
{%- endmacro %}

{# The farthest that a center moves in any draw. #}
{% macro farthest_move(centers, draws) -%}
    {%- set farthest = namespace(move=0.0) -%}
    {%- for rows in draws.values() -%}
        {%- for key, moved in centers_by_key(rows).items() -%}
            {%- set squares = [] -%}
            {%- for column_name, value in moved.items() -%}
                {%- do squares.append((value - centers[key][column_name]) ** 2) -%}
            {%- endfor -%}
            {%- set farthest.move = [farthest.move, (squares | sum) ** 0.5] | max -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(farthest.move) }}
{%- endmacro %}

{# 1 where no other center of a draw is nearer than that of the applicant's persona. #}
{% macro is_kept(draw, keys) -%}
    case
        when case persona_number
            {%- for key in keys %} when {{ loop.index }} then {{ key }}_{{ draw }}{% endfor %}
        end <= least(
            {%- for key in keys %}{{ key }}_{{ draw }}{{ ', ' if not loop.last }}{% endfor -%}
        ) then 1 else 0
    end
{%- endmacro %}

{# The most that a column of the block says, for the persona or against it. #}
{% macro block_strength(columns) -%}
    greatest(
        {%- for column in columns -%}
            abs({{ column.column_name }}__nearer){{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{# What that column says, as a code: four a column, low or high, against the persona or for it. #}
{% macro block_code(columns, numbers) -%}
    case
            when {{ block_strength(columns) }} = 0 then null
    {%- for column in columns %}
            when {{ block_strength(columns) }} = abs({{ column.column_name }}__nearer)
                then {{ 4 * numbers[column.column_name] }}
                + case when {{ column.column_name }} > 0 then 2 else 0 end
                + case when {{ column.column_name }}__nearer > 0 then 1 else 0 end
    {%- endfor %}
        end
{%- endmacro %}

{# How many blocks say more than one; of two that say the same the first counts as more. #}
{% macro blocks_before(number, n_blocks) -%}
    {%- for other in range(1, n_blocks + 1) if other != number -%}
        case when strength_{{ other }} {{ '>=' if other < number else '>' }} strength_{{ number }}
            then 1 else 0 end{{ ' + ' if not loop.last }}
    {%- else -%}
        0
    {%- endfor -%}
{%- endmacro %}

{# What each code tells: feature, direction, the words of a level, and whether it speaks for. #}
{% macro trait_phrases_by_code(columns) -%}
    {%- for column in columns -%}
    {%- set outer = loop -%}
    {%- for is_high in [false, true] -%}
    {%- set level -%}
        {%- if column.parameter_kind == 'level' -%}
            {{ sql_string(column.feature | replace('_', ' ') ~ (' ' if is_high else ' other than ')
                ~ column.level) }}
        {%- else -%}
            cast(null as varchar)
        {%- endif -%}
    {%- endset -%}
    {%- set is_missing = column.parameter_kind == 'missing' -%}
    {%- set words = ['known', 'missing'] if is_missing else ['low', 'high'] -%}
    {%- for speaks_for in [false, true] %}
    select
        {{ 4 * outer.index + (2 if is_high else 0) + (1 if speaks_for else 0) }} as code,
        '{{ column.feature }}' as feature,
        '{{ words[1 if is_high else 0] }}' as direction,
        {{ level }} as level_phrase,
        {{ speaks_for | lower }} as speaks_for
    {{ 'union all' if not (outer.last and is_high and speaks_for) }}
    {%- endfor -%}
    {%- endfor -%}
    {%- else %}
    select
        0 as code, cast(null as varchar) as feature, cast(null as varchar) as direction,
        cast(null as varchar) as level_phrase, true as speaks_for
    {%- endfor -%}
{%- endmacro %}
