{# How many records the source of a table holds, counted without the reader: rows of a relation,
   records of files as input__files counted them. #}
{% macro source_records(table_name) -%}
    {%- set files = ref('input__files') -%}
    {%- do refer_to_input_models() -%}
    {%- if not execute -%}
        {{ return('0') }}
    {%- elif reads_files() -%}
        {{ return(
            '(select coalesce(sum(n_records), 0) from ' ~ files
            ~ ' where is_read and table_name = ' ~ sql_string(table_name) ~ ')'
        ) }}
    {%- endif -%}
    {%- set counts = [] -%}
    {%- for part in find_source(table_name).parts -%}
        {%- do counts.append('(select count(*) from ' ~ part.relation ~ ')') -%}
    {%- endfor -%}
    {{ return(counts | join(' + ') or '0') }}
{%- endmacro %}
