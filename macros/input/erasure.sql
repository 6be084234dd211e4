{# Erased people are kept out where the input is read, so that no table ever holds them. #}

{# The columns by which a row belongs to a person or to an application of theirs. #}
{% macro personal_keys() -%}
    {{ return({
        'persons': ['person_id'],
        'applications': ['person_id', 'application_id'],
        'stage_events': ['application_id'],
        'test_scores': ['person_id'],
        'education_records': ['person_id'],
        'interactions': ['person_id', 'application_id'],
        'protected_attributes': ['person_id'],
    }) }}
{%- endmacro %}

{# Each of them alone says that a row, read as `delivered`, is one of an erased person. A column
   that the source lacks says nothing and need not be compared. `names`: of the erased keys, where
   the views are read under other names. #}
{% macro erased_conditions(table_name, names={}) -%}
    {%- set conditions = [] -%}
    {%- for key in personal_keys().get(table_name, []) -%}
        {%- set erased = names.get(key) or ref('input__erased_' ~ key ~ 's') -%}
        {%- if not execute or source_has(table_name, key) -%}
            {%- do conditions.append(
                'coalesce(delivered.' ~ key ~ ' in (select erased.' ~ key ~ ' from ' ~ erased
                ~ ' as erased), false)'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if table_name == 'persons' -%}
        {%- do conditions.append(
            '(delivered.person_id is null and coalesce(delivered.is_deleted, false))'
        ) -%}
    {%- endif -%}
    {{ return(conditions) }}
{%- endmacro %}

{# Whether the source has any way to say that somebody is erased. #}
{% macro somebody_may_be_erased() -%}
    {{ return(
        source_has('erasure_list', 'person_id') or source_has('persons', 'is_deleted')
    ) }}
{%- endmacro %}

{% macro may_hold_an_id(type) -%}
    {{ return(type_family(type) in ('text', 'integer', 'big_integer')) }}
{%- endmacro %}

{% macro is_erased_id(expression, erased) -%}
    coalesce(cast({{ expression }} as varchar) in (select person_id from {{ erased }}), false)
{%- endmacro %}

{# Whether a line that could not be read names somebody who is erased. #}
{% macro names_erased(table_name, text) -%}
    {%- set keys = personal_keys().get(table_name, []) -%}
    (
        {%- for key in keys %}
        exists (
            select 1 from {{ ref('input__erased_' ~ key ~ 's') }} as erased
            where {{ text }} like '%' || erased.{{ key }} || '%'
        )
        {{- ' or' if not loop.last }}
        {%- else -%}
        false
        {%- endfor -%}
    )
{%- endmacro %}

{# The values of lines that could not be read and that name somebody who is erased. #}
{% macro values_of_erased_lines(table_name) -%}
    select distinct trim(listed.value) as value
    from (
        select {{ split_to_rows('unreadable.raw_text') }} as value
        from {{ ref('input__delimited_records') }} as unreadable
        where unreadable.reason is not null
            and unreadable.table_name = '{{ table_name }}'
            and exists (
                select 1 from {{ ref('input__erased_person_ids') }} as erased
                where unreadable.raw_text like '%' || erased.person_id || '%'
            )
    ) as listed
{%- endmacro %}

{% macro split_to_rows(text) -%}
    unnest(string_split_regex({{ text }}, '[,;|"\t]'))
{%- endmacro %}

{# At the end of a run, when every input model has read them, and at the beginning of one, for a run
   may be killed: no record of an irregular file stays, for some are of erased people. Where views
   are tables, those of erased people leave too. #}
{% macro forget_records() -%}
    {%- set records = ref('input__delimited_records') -%}
    {%- if execute and target.type == 'duckdb' and load_relation(records) is not none -%}
        {%- do run_query('delete from ' ~ records) -%}
    {%- endif -%}
    {%- for name in [
        'input__erasure_list', 'input__erased_person_ids', 'input__erased_application_ids',
    ] if execute and target.type != 'duckdb' -%}
        {%- set relation = load_relation(relation_of(name)) -%}
        {%- do adapter.drop_relation(relation) if relation is not none -%}
    {%- endfor -%}
{%- endmacro %}

{# Before the files are described it may. #}
{% macro source_has(table_name, name) -%}
    {%- if reads_files() and load_relation(ref('input__files')) is none -%}
        {{ return(true) }}
    {%- endif -%}
    {%- for part in find_source(table_name).parts if name in part.columns -%}
        {{ return(true) }}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}
