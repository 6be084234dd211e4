{# The rows of input__columns: what the contract asks for beside what the source has. #}
{% macro list_columns() -%}
    {%- set names = [
        'table_name', 'column_name', 'column_order', 'is_in_contract', 'is_required_table',
        'is_required_column', 'is_present', 'source', 'data_type', 'blocks',
        'features', 'substitute', 'marts',
    ] -%}
    {%- if not execute -%}
        {{ return('select 1 as parsed') }}
    {%- endif -%}
    {%- set rows = [] -%}
    {%- set listing = list_input_folder() if not var('input_schema') -%}
    {%- for table in contract_tables() -%}
        {%- do rows.extend(column_rows(table, find_source(table.name, listing))) -%}
    {%- endfor -%}
    select *
    from (
        values
        {%- for row in rows %}
        ({{ row | join(', ') }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) as listed ({{ names | join(', ') }})
{%- endmacro %}

{% macro column_rows(table, source) -%}
    {%- set found = {} -%}
    {%- for part in source.parts -%}
        {%- for column in part.columns if column.name -%}
            {%- do found.update({column.name: column.type}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set rows = [] -%}
    {%- for column in table.columns -%}
        {%- do rows.append(column_row(table, source, column, true, column.name in found)) -%}
    {%- endfor -%}
    {%- set in_contract = table.columns | map(attribute='name') | list -%}
    {%- for name, type in found.items() if name not in in_contract -%}
        {%- set column = {'name': name, 'type': type, 'feeds': [], 'features': [], 'marts': []} -%}
        {%- do rows.append(column_row(table, source, column, false, true)) -%}
    {%- endfor -%}
    {%- set numbered = [] -%}
    {%- for row in rows -%}
        {%- do numbered.append(row[:2] + [loop.index] + row[2:]) -%}
    {%- endfor -%}
    {{ return(numbered) }}
{%- endmacro %}

{% macro column_row(table, source, column, is_in_contract, is_present) -%}
    {{ return([
        sql_string(table.name),
        sql_string(column.name),
        sql_boolean(is_in_contract),
        sql_boolean(table.required),
        sql_boolean(column.required),
        sql_boolean(is_present),
        sql_string(source.locations[0]) if source.locations else 'cast(null as varchar)',
        sql_string(column.type),
        sql_string(column.feeds | join(', ')),
        sql_string(column.features | join(', ')),
        sql_string(column.substitute) if column.substitute else 'cast(null as varchar)',
        sql_string(column.marts | join(', ')),
    ]) }}
{%- endmacro %}
