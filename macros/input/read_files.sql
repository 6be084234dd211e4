{# CSV is read without the engine's sniffer, which refuses some real files: input__files says the
   delimiter and the columns, and every column is text. #}
{% macro read_csv_relation(part, table_name) -%}
    read_csv(
        {{ sql_strings(part.files) }},
        auto_detect = false, header = true,
        delim = {{ 'chr(9)' if part.delimiter == '\t' else sql_string(part.delimiter) }},
        quote = '"', escape = '"',
        hive_partitioning = false, {{ name_of_file(part) }}
        store_rejects = true,
        rejects_table = {{ sql_string(rejects_name('lines', table_name)) }},
        rejects_scan = {{ sql_string(rejects_name('files', table_name)) }},
        columns = {
            {%- for number in range(1, part.n_columns + 1) -%}
            'c{{ number }}': 'varchar'{{ ', ' if not loop.last }}
            {%- endfor -%}
        }
    )
{%- endmacro %}

{% macro read_parquet_relation(part) -%}
    read_parquet(
        {{ sql_strings(part.files) }},
        {{ name_of_file(part) }} hive_partitioning = false
    )
{%- endmacro %}

{# Records of irregular files, already divided. #}
{% macro read_records_relation(part) -%}
    (
        select * from {{ ref('input__delimited_records') }}
        where path in ({{ sql_strings(part.files)[1:-1] }}) and fields is not null
    ) as records
{%- endmacro %}

{# The file of a row is read along where its folders hold values. #}
{% macro name_of_file(part) -%}
    {%- if part.is_partitioned -%}
        filename = {{ sql_string(source_file_column()) }},
    {%- endif -%}
{%- endmacro %}

{% macro source_file_column() -%}
    {{ return('_source_file') }}
{%- endmacro %}
