{# Where a table of the contract is, as
       {locations, parts: [{kind, files or relation, columns: {name: {expression, type}}}]}
   A part is what one scan reads: files of the same columns, or one relation. No part: absent. #}
{% macro find_source(table_name) -%}
    {%- if reads_files() -%}
        {{ return(adapter.dispatch('find_files', 'applicant_personas')(table_name)) }}
    {%- endif -%}
    {{ return(find_relation(table_name)) }}
{%- endmacro %}

{# Tables are files, relations of a schema, or models of the project that has this one installed. #}
{% macro reads_files() -%}
    {{ return(not var('input_schema') and not var('input_models')) }}
{%- endmacro %}

{# Refs of the user's models, seen while parsing: whatever asks for a source calls this. #}
{% macro refer_to_input_models() -%}
    {%- for name in var('input_models') or [] -%}
        {%- do ref(name) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro input_relation(table_name) -%}
    {%- if table_name in (var('input_models') or []) -%}
        {{ return(ref(table_name)) }}
    {%- elif var('input_schema') -%}
        {{ return(adapter.get_relation(
            database=var('input_database') or target.database,
            schema=var('input_schema'),
            identifier=table_name
        )) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{% macro find_relation(table_name) -%}
    {%- set relation = input_relation(table_name) -%}
    {%- if relation is none -%}
        {{ return({'locations': [], 'parts': []}) }}
    {%- endif -%}
    {%- set columns = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do columns.update({
            column.name | trim | lower: source_column(quote_name(column.name), column.data_type),
        }) -%}
    {%- endfor -%}
    {%- set part = {'kind': 'relation', 'relation': relation, 'columns': columns} -%}
    {%- set location = [relation.database, relation.schema, relation.identifier]
        | select | join('.') -%}
    {{ return({'locations': [location], 'parts': [part]}) }}
{%- endmacro %}

{% macro source_column(expression, type) -%}
    {%- set base = type.split('(')[0] | trim | lower -%}
    {%- set is_text = base in ('varchar', 'character varying', 'string', 'text', 'bpchar') -%}
    {{ return({
        'expression': expression,
        'type': 'varchar' if is_text else type | lower,
    }) }}
{%- endmacro %}

{% macro spark__find_files(table_name) -%}
    {%- do stop(
        'folders of files are read on DuckDB only; create tables of Spark on them, such as create '
        ~ 'table landed.persons using parquet location .., and give their schema as input_schema.'
    ) -%}
{%- endmacro %}

{% macro duckdb__find_files(table_name) -%}
    {%- set locations, parts = [], [] -%}
    {%- for group in list_file_groups(table_name) -%}
        {%- do locations.extend(group.locations) -%}
        {%- do parts.append(file_part(group)) -%}
    {%- endfor -%}
    {{ return({'locations': locations | unique | list, 'parts': parts}) }}
{%- endmacro %}

{# The files of a table that one scan can read, as input__files describes them. One text a group:
   the client would take some texts for numbers or blanks. #}
{% macro list_file_groups(table_name) -%}
    {%- set files = ref('input__files') -%}
    {%- if load_relation(files) is none -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set query -%}
        select to_json({
            'format': format, 'delimiter': delimiter, 'is_regular': is_regular,
            'columns': columns, 'names': names, 'types': types, 'partitions': partitions,
            'files': list(opened_at order by path), 'paths': list(path order by path),
            'locations': list(distinct location),
            'n_before': min(len(opened_at) - len(path) + len(location))
        })
        from {{ files }}
        where is_read and table_name = {{ sql_string(table_name) }}
        group by format, delimiter, is_regular, columns, names, types, partitions
        order by min(path)
    {%- endset -%}
    {%- set groups = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do groups.append(fromjson(row[0])) -%}
    {%- endfor -%}
    {{ return(groups) }}
{%- endmacro %}

{% macro file_part(group) -%}
    {%- set kind = 'records' if not group.is_regular else group.format -%}
    {%- set columns = {} -%}
    {%- for name in group.columns -%}
        {%- set expression = quote_name(group.names[loop.index0]) if kind == 'parquet'
            else 'fields[' ~ loop.index ~ ']' if kind == 'records'
            else 'c' ~ loop.index -%}
        {%- do columns.setdefault(name, source_column(expression, group.types[loop.index0])) -%}
    {%- endfor -%}
    {%- for name in group.partitions -%}
        {%- set expression = partition_value('path', group.locations[0] | length, name)
            if kind == 'records'
            else partition_value(source_file_column(), group.n_before, name) -%}
        {%- do columns.setdefault(name | trim | lower, source_column(expression, 'varchar')) -%}
    {%- endfor -%}
    {{ return({
        'kind': kind, 'files': group.paths if kind == 'records' else group.files,
        'delimiter': group.delimiter,
        'n_columns': group.columns | length, 'is_partitioned': group.partitions | length > 0,
        'columns': columns,
    }) }}
{%- endmacro %}

{# The value of a folder key=value below the table's folder, whose path has so many characters. #}
{% macro partition_value(path, n_before, key) -%}
    {%- set pattern = '/' ~ modules.re.escape(key) ~ '=([^/]*)/' -%}
    {{ return(
        "url_decode(nullif(regexp_extract(substr(" ~ path ~ ', ' ~ (n_before + 1) ~ '), '
        ~ sql_string(pattern) ~ ", 1), '__HIVE_DEFAULT_PARTITION__'))"
    ) }}
{%- endmacro %}

{# A relative path is one within the project, from wherever dbt is run. #}
{% macro project_folder() -%}
    {{ return(invocation_args_dict.get('project_dir') or '.') }}
{%- endmacro %}

{% macro input_folder() -%}
    {{ return((var('input_path') | string | trim | replace('\\', '/')).rstrip('/') or '/') }}
{%- endmacro %}

{# Files are read in the run that describes them: others may stand there by now. The records of
   irregular ones leave at the end of a run. #}
{% macro check_is_described(parts) -%}
    {%- set needed = [] -%}
    {%- if flags.WHICH in ('run', 'build') -%}
        {%- do needed.extend([ref('input__source'), ref('input__files')]) -%}
    {%- endif -%}
    {%- if parts | selectattr('kind', 'equalto', 'records') | list
           and flags.WHICH in ('run', 'build', 'retry') -%}
        {%- do needed.append(ref('input__delimited_records')) -%}
    {%- endif -%}
    {%- for relation in needed
           if 'model.applicant_personas.' ~ relation.identifier not in selected_resources -%}
        {%- do stop(
            model.name ~ ' reads files, in the run that describes them; select it with what it '
            ~ 'reads: --select +' ~ model.name ~ '.'
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{# Refs stand outside of the condition, so that parsing sees them. #}
{% macro find_readable_parts(table_name) -%}
    {%- do ref('input__source') -%}
    {%- do ref('input__files') -%}
    {%- do ref('input__delimited_records') -%}
    {%- do refer_to_input_models() -%}
    {%- if not execute -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set parts = find_source(table_name).parts -%}
    {%- if reads_files() -%}
        {%- do check_is_described(parts) -%}
    {%- elif parts -%}
        {%- do check_columns(find_contract_table(table_name), parts[0]) -%}
    {%- endif -%}
    {{ return(parts) }}
{%- endmacro %}
