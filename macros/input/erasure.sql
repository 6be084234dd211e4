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

{# Text of a line that could not be read, unless it names somebody who is erased. #}
{% macro text_unless_erased(table_name, text) -%}
    case
        when true
        {%- for key in personal_keys().get(table_name, []) %}
            and not exists (
                select 1 from {{ ref('input__erased_' ~ key ~ 's') }} as erased
                where {{ text }} like '%' || erased.{{ key }} || '%'
            )
        {%- endfor %}
            then {{ text }}
    end
{%- endmacro %}

{# At the end of a run: the records of irregular files, which every input model has read by then,
   lose those of erased people too. #}
{% macro forget_erased_records() -%}
    {%- set records = ref('input__delimited_records') -%}
    {%- set files = ref('input__delimited_files') -%}
    {%- set people = ref('input__erased_person_ids') -%}
    {%- set erased = {
        'person_id': people, 'application_id': ref('input__erased_application_ids')
    } -%}
    {%- if execute and target.type == 'duckdb' and not var('input_schema') -%}
        {%- set missing = [] -%}
        {%- for relation in [records, files, people, erased.application_id]
               if load_relation(relation) is none -%}
            {%- do missing.append(relation) -%}
        {%- endfor -%}
        {%- if not missing -%}
            {%- for table_name, keys in personal_keys().items() -%}
                {%- for part in find_readable_parts(table_name) if part.kind == 'records' -%}
                    {%- for key in keys if find_column(part, key) -%}
                        {%- do run_query(
                            'delete from ' ~ records ~ ' where path = ' ~ sql_string(part.file)
                            ~ ' and trim(' ~ find_column(part, key).expression ~ ') in (select '
                            ~ key ~ ' from ' ~ erased[key] ~ ')'
                        ) -%}
                    {%- endfor -%}
                {%- endfor -%}
            {%- endfor -%}
            {%- do run_query(
                'update ' ~ records ~ ' set raw_text = null where raw_text is not null and exists ('
                ~ 'select 1 from ' ~ people ~ " as erased where raw_text like '%' || "
                ~ "erased.person_id || '%')"
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro source_has(table_name, name) -%}
    {%- for part in find_source(table_name).parts if find_column(part, name) -%}
        {{ return(true) }}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}
