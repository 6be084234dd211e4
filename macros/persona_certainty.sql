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

{# The number of the column that says most, for the persona or against it; none of the block of a
   column before, for that would say the same twice. #}
{% macro strongest_column(columns, before) -%}
    {%- set strengths = [] -%}
    {%- for column in columns -%}
        {%- set strength = namespace(sql='abs(' ~ column.column_name ~ '__nearer)') -%}
        {%- set of_block = [] -%}
        {%- for other in columns if other.block == column.block -%}
            {%- do of_block.append(columns.index(other) + 1) -%}
        {%- endfor -%}
        {%- for place in before -%}
            {%- set strength.sql = 'case when ' ~ place ~ ' in (' ~ of_block | join(', ')
                ~ ') then 0e0 else ' ~ strength.sql ~ ' end' -%}
        {%- endfor -%}
        {%- do strengths.append(strength.sql) -%}
    {%- endfor -%}
    {%- if not columns -%}
        cast(null as integer)
    {%- else -%}
        case greatest({{ strengths | join(', ') }}, 1e-12)
        {%- for strength in strengths %}
            when {{ strength }} then {{ loop.index }}
        {%- endfor %}
        end
    {%- endif -%}
{%- endmacro %}

{# Four codes a column: low or high, against the persona or for it. #}
{% macro trait_code(columns, number) -%}
    case {{ number }}
    {%- for column in columns %}
            when {{ loop.index }} then {{ 4 * loop.index }}
                + case when {{ column.column_name }} > 0 then 2 else 0 end
                + case when {{ column.column_name }}__nearer > 0 then 1 else 0 end
    {%- else %}
            when 0 then 0
    {%- endfor %}
        end
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
    {%- set words = ['known', 'missing'] if column.parameter_kind == 'missing' else ['low', 'high'] -%}
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
