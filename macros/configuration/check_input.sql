{# The tables of the contract: there, once, readable, with the columns that are required. Relations
   are looked at before the run, files when input__files has described them. #}
{% macro check_input() -%}
    {%- if reads_files() -%}
        {%- do check_input_path() -%}
    {%- elif var('input_models') -%}
        {%- do check_input_models() -%}
    {%- else -%}
        {%- for table in contract_tables() -%}
            {%- do check_relation(table, find_relation(table.name).parts | first) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_input_path() -%}
    {%- if not var('input_path') -%}
        {%- do stop(
            'neither input_path nor input_schema is set; give the folder of the applicant '
            ~ "tables, such as --vars '{input_path: /data/export}'."
        ) -%}
    {%- endif -%}
    {%- if '://' in var('input_path') | string -%}
        {%- do check_object_store(var('input_path').split('://')[0] | lower) -%}
    {%- endif -%}
{%- endmacro %}

{# Object stores are read by an extension that DuckDB does not bring along. #}
{% macro check_object_store(scheme) -%}
    {%- set extension = 'azure' if scheme in ('az', 'azure', 'abfss')
        else 'httpfs' if scheme in ('s3', 's3a', 's3n', 'gs', 'gcs', 'r2', 'http', 'https', 'hf')
    -%}
    {%- if extension -%}
        {%- set found = run_query(
            "select 1 from duckdb_extensions() where installed and extension_name = '"
            ~ extension ~ "'"
        ).rows | length -%}
        {%- if not found -%}
            {%- do stop(
                'input_path begins with ' ~ scheme ~ ':// and needs the DuckDB extension '
                ~ extension ~ ', which is not installed; list it under extensions in profiles.yml '
                ~ 'where the network allows it, or copy the files to a local folder.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Hook of input__files: the first file that can't be read as it must stops the build. #}
{% macro check_input_files() -%}
    {%- if execute and reads_files() -%}
        {%- set names = query_texts('select path from ' ~ this ~ ' order by path limit 13') -%}
        {%- if not names -%}
            {%- do stop(
                'input_path is ' ~ var('input_path') ~ ', where there is no file that can be read; '
                ~ 'give an existing folder, absolute or relative to the project.'
            ) -%}
        {%- endif -%}
        {%- for problem in query_texts(
                'select problem from ' ~ this ~ ' where problem is not null order by path limit 1'
        ) -%}
            {%- do stop(problem.rstrip('.') ~ '.') -%}
        {%- endfor -%}
        {%- for table in contract_tables() -%}
            {%- do check_locations(table) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro query_texts(query) -%}
    {%- set texts = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do texts.append(row[0] | string) -%}
    {%- endfor -%}
    {{ return(texts) }}
{%- endmacro %}

{% macro check_locations(table) -%}
    {%- set locations = query_texts(
        'select distinct location from ' ~ this ~ ' where is_read and table_name = '
        ~ sql_string(table.name) ~ ' order by location'
    ) -%}
    {%- if locations | length > 1 -%}
        {%- do stop(
            'the table ' ~ table.name ~ ' is there more than once: ' ~ locations | join(' and ')
            ~ '; keep one of them.'
        ) -%}
    {%- elif table.required and not locations -%}
        {%- set names = query_texts('select path from ' ~ this ~ ' order by path') -%}
        {%- set meant = query_texts(
            'select path from ' ~ this ~ ' where suffix(reason, '
            ~ sql_string('did you mean ' ~ table.name ~ '?') ~ ') order by path'
        ) -%}
        {%- do stop(
            'the required table ' ~ table.name ~ ' is not in ' ~ var('input_path') ~ ' (found '
            ~ shorten(names) ~ '); put ' ~ table.name ~ '.csv, ' ~ table.name ~ '.csv.gz, '
            ~ table.name ~ '.parquet or a folder ' ~ table.name ~ '/ of such files there'
            ~ (': did you mean ' ~ meant[0] ~ '?' if meant else '.')
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# Models are built in the run: here they are only names. #}
{% macro check_input_models() -%}
    {%- set given = var('input_models') -%}
    {%- set how = '; give a list of models of your project, named as the tables of the contract, '
        ~ 'such as [persons, applications].' -%}
    {%- if given is string or given is mapping or given is not sequence -%}
        {%- do stop('the var input_models is ' ~ given ~ how) -%}
    {%- elif var('input_schema') -%}
        {%- do stop(
            'both input_models and input_schema are given; keep the one that says where the '
            ~ 'tables are.'
        ) -%}
    {%- endif -%}
    {%- for name in given if name not in contract_table_names() -%}
        {%- do stop(
            'the var input_models names ' ~ name ~ ', which is no table of the contract; these are '
            ~ contract_table_names() | join(', ') ~ '.'
        ) -%}
    {%- endfor -%}
    {%- for table in contract_tables() if table.required and table.name not in given -%}
        {%- do stop(
            'the required table ' ~ table.name ~ ' is not in the var input_models' ~ how
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro check_relation(table, part) -%}
    {%- if not part and table.required -%}
        {%- do stop(
            'the required table ' ~ table.name ~ ' is not in the schema ' ~ var('input_schema')
            ~ '; make a table or view of that name there, or set input_schema and input_database '
            ~ 'to where it is.'
        ) -%}
    {%- endif -%}
    {%- if part -%}
        {%- do check_columns(table, part) -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_columns(table, part) -%}
    {%- for column in table.columns if column.required and column.name not in part.columns -%}
        {%- do stop(
            part.relation ~ ' has no column ' ~ column.name ~ ', which the table ' ~ table.name
            ~ ' requires (found ' ~ shorten(part.columns | list) ~ '); add it or rename the column '
            ~ 'that holds it.'
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro shorten(names) -%}
    {%- set more = names | length - 12 -%}
    {{ return(names[:12] | join(', ') ~ (' and ' ~ more ~ ' more' if more > 0 else '')) }}
{%- endmacro %}
