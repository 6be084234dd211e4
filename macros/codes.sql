{# Codes are compared without regard to case, outer blanks, and `_`, `-` or blank between words. #}
{% macro code_key(expression) -%}
    trim(replace(replace(lower({{ expression }}), '_', ' '), '-', ' '))
{%- endmacro %}

{# The crosswalks, shipped as seeds and brought as tables of the input: the set of codes that each
   maps (a column where there are several) and the column of the values. Programs are the
   university's own, so that none are shipped. #}
{% macro crosswalks() -%}
    {{ return({
        'xwalk_stages': {'code_set': "'stage'", 'value': 'stage'},
        'xwalk_tests': {'code_set': "'test'", 'value': 'test_code'},
        'xwalk_components': {'code_set': "'component'", 'value': 'component'},
        'xwalk_interaction_types': {
            'code_set': "'interaction_type'", 'value': 'interaction_type',
            'channel': 'channel', 'weight': 'weight',
        },
        'xwalk_countries': {'code_set': "'country'", 'value': 'country'},
        'xwalk_programs': {
            'code_set': "'program'", 'value': 'program_code', 'is_brought_only': true
        },
        'xwalk_values': {'code_set': 'code_set', 'value': 'value'},
    }) }}
{%- endmacro %}

{# The rows of all crosswalks of one origin, shipped or user, in the shape that they share. #}
{% macro crosswalk_rows(origin) -%}
    {%- set selects = [] -%}
    {%- for name, crosswalk in crosswalks().items()
           if origin == 'user' or not crosswalk.is_brought_only %}
        {%- set select -%}
    select
        '{{ origin }}' as origin,
        '{{ name }}' as crosswalk,
        {{ crosswalk.code_set }} as code_set,
        code,
        {{ crosswalk.value }} as value,
        {{ crosswalk.channel or 'cast(null as varchar)' }} as channel,
        {{ crosswalk.weight or 'cast(null as double)' }} as weight,
        {{ '_refused is not null' if origin == 'user' else 'false' }} as is_refused
    from {{ ref('input__' ~ name if origin == 'user' else name) }}
        {%- endset -%}
        {%- do selects.append(select) -%}
    {%- endfor -%}
    {{ selects | join('\n    union all\n    ') }}
{%- endmacro %}

{# Where codes are used: code set, table and column. #}
{% macro coded_columns() -%}
    {{ return([
        ['stage', 'applications', 'current_stage'],
        ['stage', 'stage_events', 'stage'],
        ['test', 'test_scores', 'test_code'],
        ['component', 'test_scores', 'component'],
        ['score_status', 'test_scores', 'status'],
        ['score_scale', 'test_scores', 'scale_code'],
        ['interaction_type', 'interactions', 'interaction_type'],
        ['interaction_status', 'interactions', 'status'],
        ['country', 'persons', 'country_of_residence'],
        ['country', 'persons', 'country_of_citizenship'],
        ['country', 'education_records', 'country'],
        ['residency', 'persons', 'residency'],
        ['gpa_direction', 'education_records', 'gpa_direction'],
        ['term_status', 'entry_terms', 'status'],
        ['test_policy', 'programs', 'test_policy'],
        ['program', 'applications', 'program_code'],
        ['program', 'persons', 'intended_program_code'],
        ['program', 'programs', 'program_code'],
    ]) }}
{%- endmacro %}

{# The codes of one column as delivered, with what each stands for. #}
{% macro codes_of(table_name, column) -%}
    select code, value, channel, weight from {{ ref('stg_codes') }}
    where table_name = '{{ table_name }}' and column_name = '{{ column }}'
{%- endmacro %}
