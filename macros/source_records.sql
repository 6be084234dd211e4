{# How many records the source of a table holds, counted without the reader: rows of a relation
   or of Parquet files, records of delimited files. #}
{% macro source_records(table_name) -%}
    {%- set files = ref('input__delimited_files') -%}
    {%- if not execute -%}
        {{ return('0') }}
    {%- endif -%}
    {%- set counts = [] -%}
    {%- for part in find_source(table_name).parts -%}
        {%- if part.kind == 'relation' -%}
            {%- do counts.append('(select count(*) from ' ~ part.relation ~ ')') -%}
        {%- elif part.kind == 'parquet' -%}
            {%- do counts.append(
                '(select count(*) from ' ~ read_parquet_relation(part.files) ~ ')'
            ) -%}
        {%- else -%}
            {%- do counts.append(
                '(select sum(n_records) from ' ~ files ~ ' where path in ('
                ~ sql_strings(part.files)[1:-1] ~ '))'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(counts | join(' + ') or '0') }}
{%- endmacro %}
