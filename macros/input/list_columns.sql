{# The rows of input__contract: each column of each table, as the contract states it. #}
{% macro list_contract_columns() -%}
    {%- if not execute -%}
        {{ return('select 1 as parsed') }}
    {%- endif -%}
    {%- set names = [
        'table_name', 'column_name', 'column_order', 'data_type', 'is_required_table',
        'is_required_column', 'table_blocks', 'table_marts', 'blocks', 'features', 'substitute',
        'marts',
    ] -%}
    {%- set rows = [] -%}
    {%- for table in contract_tables() -%}
        {%- for column in table.columns -%}
            {%- do rows.append([
                sql_string(table.name), sql_string(column.name), loop.index,
                sql_string(column.type), sql_boolean(table.required), sql_boolean(column.required),
                sql_list_text(table.feeds), sql_list_text(table.marts),
                sql_list_text(column.feeds), sql_list_text(column.features),
                sql_string(column.substitute) if column.substitute else 'cast(null as varchar)',
                sql_list_text(column.marts),
            ]) -%}
        {%- endfor -%}
    {%- endfor -%}
    select *
    from (
        values
        {%- for row in rows %}
        ({{ row | join(', ') }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) as listed ({{ names | join(', ') }})
{%- endmacro %}

{% macro sql_list_text(items) -%}
    {{ return(sql_string(items | join(', '))) }}
{%- endmacro %}

{# Columns that the sources have: table_name, column_name, column_order, data_type, source. #}
{% macro list_source_columns() -%}
    {%- set files = ref('input__files') -%}
    {%- do refer_to_input_models() -%}
    {%- if not execute -%}
        {{ return('select 1 as parsed') }}
    {%- elif reads_files() -%}
        {{ return(adapter.dispatch('columns_of_files', 'applicant_personas')(files)) }}
    {%- endif -%}
    {{ columns_of_relations() }}
{%- endmacro %}

{% macro spark__columns_of_files(files) -%}
    {{ return(find_source('persons')) }}
{%- endmacro %}

{% macro duckdb__columns_of_files(files) -%}
    select
        table_name,
        location as source,
        unnest(list_concat(columns, list_transform(partitions, lambda key: lower(trim(key)))))
            as column_name,
        unnest(list_concat(types, list_transform(partitions, lambda key: 'VARCHAR'))) as data_type,
        unnest(range(len(columns) + len(partitions))) as column_order
    from {{ files }}
    where is_read
{%- endmacro %}

{# The relations that are read: location, table_name, records. #}
{% macro list_relations() -%}
    {%- do refer_to_input_models() -%}
    {%- set rows = [] -%}
    {%- for table in contract_table_names() if execute and not reads_files() -%}
        {%- set source = find_source(table) -%}
        {%- for part in source.parts -%}
            {%- do rows.append([
                sql_string(source.locations[0]), sql_string(table),
                '(select count(*) from ' ~ part.relation ~ ')',
            ]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ rows_as_relation(rows, ['location', 'table_name', 'records']) }}
{%- endmacro %}

{% macro columns_of_relations() -%}
    {%- set rows = [] -%}
    {%- for table in contract_table_names() -%}
        {%- set source = find_source(table) -%}
        {%- for part in source.parts -%}
            {%- for name, column in part.columns.items() -%}
                {%- do rows.append([
                    sql_string(table), sql_string(source.locations[0]), sql_string(name),
                    sql_string(column.type), loop.index0,
                ]) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ rows_as_relation(
        rows, ['table_name', 'source', 'column_name', 'data_type', 'column_order']
    ) }}
{%- endmacro %}

{# Rows of expressions as a relation, which may have none; the first column is never null. #}
{% macro rows_as_relation(rows, names) -%}
    select *
    from (
        {%- for row in rows + [['null'] * (names | length)] %}
        select
            {%- for name in names %}
            {{ row[loop.index0] }} as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as listed
    where listed.{{ names[0] }} is not null
{%- endmacro %}
