{# Where a table of the contract is, as
       {locations, parts: [{kind, files or relation, columns: [{name, expression, type}]}]}
   A part is what one scan reads: files of the same header, or one relation. No part: absent.
   `listing`: the files of the input folder, where the caller asks for several tables. #}
{% macro find_source(table_name, listing=none) -%}
    {%- if var('input_schema') -%}
        {{ return(find_relation(table_name)) }}
    {%- endif -%}
    {{ return(adapter.dispatch('find_files', 'applicant_personas')(table_name, listing)) }}
{%- endmacro %}

{% macro find_relation(table_name) -%}
    {%- set relation = adapter.get_relation(
        database=var('input_database') or target.database,
        schema=var('input_schema'),
        identifier=table_name
    ) -%}
    {%- if relation is none -%}
        {{ return({'locations': [], 'parts': []}) }}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do columns.append(source_column(column.name, column.data_type, column.name)) -%}
    {%- endfor -%}
    {%- set part = {'kind': 'relation', 'relation': relation, 'columns': columns} -%}
    {%- set location = [relation.database, relation.schema, relation.identifier] | join('.') -%}
    {{ return({'locations': [location], 'parts': [part]}) }}
{%- endmacro %}

{% macro source_column(header, type, name) -%}
    {%- set base = type.split('(')[0] | trim | lower -%}
    {%- set is_text = base in ('varchar', 'character varying', 'string', 'text', 'bpchar') -%}
    {{ return({
        'name': header | trim | lower,
        'expression': quote_name(name),
        'type': 'varchar' if is_text else type | lower,
    }) }}
{%- endmacro %}

{% macro default__find_files(table_name, listing) -%}
    {% do exceptions.raise_compiler_error(
        'Files can be read by the DuckDB target only: set the vars input_database and '
        ~ 'input_schema to where the tables of the contract are in ' ~ target.type ~ '.'
    ) %}
{%- endmacro %}

{% macro duckdb__find_files(table_name, listing) -%}
    {%- set files = list_input_files(table_name, listing) -%}
    {%- set parts = [] -%}
    {%- do add_parquet_files(
        parts, files | selectattr('format', 'equalto', 'parquet') | map(attribute='path') | list
    ) -%}
    {%- for file in files if file.format == 'csv' -%}
        {%- do add_csv_file(parts, file.path, table_name) -%}
    {%- endfor -%}
    {{ return({
        'locations': files | map(attribute='location') | unique | list, 'parts': parts,
    }) }}
{%- endmacro %}

{# A relative path is one within the project, from wherever dbt is run. #}
{% macro input_folder() -%}
    {%- set path = (var('input_path') | string | trim | replace('\\', '/')).rstrip('/') ~ '/' -%}
    {{ return(path if is_absolute_path(path) else project_folder() ~ path) }}
{%- endmacro %}

{% macro is_absolute_path(path) -%}
    {{ return(path[0] in '/~' or path[1:2] == ':' or '://' in path) }}
{%- endmacro %}

{% macro project_folder() -%}
    {%- set folder = invocation_args_dict.get('project_dir') or '.' -%}
    {{ return((folder | string | replace('\\', '/')).rstrip('/') ~ '/') }}
{%- endmacro %}

{# How tables and messages name a file: as in input_path, the same on every machine. #}
{% macro shown_path(path) -%}
    {%- set folder = project_folder() -%}
    {{ return(path[folder | length:] if path.startswith(folder) else path) }}
{%- endmacro %}

{# <table>.parquet|csv|csv.gz of the input folder, and such parts in a folder <table>/. #}
{% macro list_input_files(table_name, listing) -%}
    {{ return(
        (listing or list_input_folder())
        | selectattr('table', 'equalto', table_name) | selectattr('format') | list
    ) }}
{%- endmacro %}

{# Every file in the input folder and in its folders, sorted; paths as a reader takes them. #}
{% macro list_input_folder() -%}
    {%- set folder = input_folder() -%}
    {%- set literal = modules.re.sub('([*?[])', '[\\1]', folder) -%}
    {%- set query -%}
        select distinct file
        from glob({{ sql_strings([literal ~ '*', literal ~ '*/*']) }})
        order by file
    {%- endset -%}
    {%- set files = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do files.append(describe_input_file(row[0] | replace('\\', '/'), folder)) -%}
    {%- endfor -%}
    {{ return(files) }}
{%- endmacro %}

{# Upper and lower case are one: exports from Windows come as Persons.CSV. #}
{% macro describe_input_file(path, folder) -%}
    {%- set names = path[folder | length:].split('/') -%}
    {%- set name = names[-1] | lower -%}
    {%- set is_part = names | length > 1 -%}
    {{ return({
        'path': path,
        'table': (names[0] if is_part else name.split('.')[0]) | lower,
        'format': 'parquet' if name.endswith('.parquet')
            else 'csv' if name.endswith('.csv') or name.endswith('.csv.gz'),
        'location': shown_path(path.rsplit('/', 1)[0] if is_part else path),
        'name': names | join('/'),
    }) }}
{%- endmacro %}

{% macro read_parquet_relation(files) -%}
    read_parquet({{ sql_strings(files) }}, hive_partitioning = false)
{%- endmacro %}

{# One part for all files of the same columns and types. #}
{% macro add_parquet_files(parts, files) -%}
    {%- for same in (group_by_schema(files) if files else []) -%}
        {%- set columns = [] -%}
        {%- for row in run_query('describe from ' ~ read_parquet_relation(same[:1])).rows -%}
            {%- do columns.append(source_column(row[0], row[1], row[0])) -%}
        {%- endfor -%}
        {%- do parts.append({'kind': 'parquet', 'files': same, 'columns': columns}) -%}
    {%- endfor -%}
{%- endmacro %}

{# Lists of Parquet files that have one schema, in the order of their first files. #}
{% macro group_by_schema(files) -%}
    {%- set query -%}
        select file_name, md5(string_agg(concat_ws(' ', name, type, num_children, duckdb_type,
            logical_type), chr(10) order by column_id)) as schema_hash
        from parquet_schema({{ sql_strings(files) }})
        group by file_name
    {%- endset -%}
    {%- set groups = {} -%}
    {%- set hashes = {} -%}
    {%- for row in run_query(query).rows -%}
        {%- do hashes.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- for file in files -%}
        {%- do groups.setdefault(hashes[file], []).append(file) -%}
    {%- endfor -%}
    {{ return(groups.values() | list) }}
{%- endmacro %}
