{# The tables of the contract: there, once, readable, with the columns that are required. #}
{% macro check_input() -%}
    {%- set listing = none -%}
    {%- if not var('input_schema') -%}
        {%- do check_input_path() -%}
        {%- set listing = list_input_folder() -%}
        {%- do check_input_folder(listing) -%}
        {%- do check_packed_files(listing) if target.type == 'duckdb' -%}
    {%- endif -%}
    {%- for table in contract_tables() -%}
        {%- set source = find_source(table.name, listing) -%}
        {%- if source.parts -%}
            {%- do check_source(table, source) -%}
        {%- elif table.required -%}
            {%- do stop_for_missing_table(table.name, listing) -%}
        {%- endif -%}
    {%- endfor -%}
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

{% macro check_input_folder(listing) -%}
    {%- if not listing -%}
        {%- do stop(
            'input_path is ' ~ var('input_path') ~ ', where there is no file that can be read; '
            ~ 'give an existing folder, absolute or relative to the project.'
        ) -%}
    {%- endif -%}
    {%- set tables = contract_table_names() -%}
    {%- for file in listing if file.table in tables -%}
        {%- set is_alone = not list_input_files(file.table, listing) -%}
        {%- if is_alone and is_other_data_format(file.name) -%}
            {%- do stop(
                'the table ' ~ file.table ~ ' is in ' ~ shown_path(file.path)
                ~ ', a format that is not read; save it as ' ~ file.table ~ '.csv or '
                ~ file.table ~ '.parquet.'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{# Files that are not what their name says, by their first and last bytes. The smallest files, as
   many as are quickly read: of others the engine itself names what it can't open. #}
{% macro check_packed_files(listing) -%}
    {%- set paths = [] -%}
    {%- for file in listing if file.table in contract_table_names() and '://' not in file.path
           and (file.format == 'parquet' or file.name.endswith('.gz')) -%}
        {%- do paths.append(file.path) -%}
    {%- endfor -%}
    {%- set small = [] -%}
    {%- for row in (run_query(
        'select filename from read_blob(' ~ sql_strings(paths) ~ ') '
        ~ 'qualify sum(size) over (order by size, filename) <= 50000000'
    ).rows if paths else []) -%}
        {%- do small.append(row[0]) -%}
    {%- endfor -%}
    {%- set query -%}
        select
            filename,
            size,
            hex(content[1:4]) as head,
            hex(content[size - 3:size]) as tail
        from read_blob({{ sql_strings(small) }})
        order by filename
    {%- endset -%}
    {%- for path, size, head, tail in (run_query(query).rows if small else []) -%}
        {%- set is_parquet = path.lower().endswith('.parquet') -%}
        {%- set is_whole = head == tail == '50415231' if is_parquet
            else head.startswith('1F8B') -%}
        {%- if not is_whole -%}
            {%- do stop(
                shown_path(path) ~ (
                    ' is empty' if not size
                    else ' is cut off: it begins as a Parquet file and does not end as one'
                    if is_parquet and head == '50415231'
                    else ' is no ' ~ ('Parquet' if is_parquet else 'gzip') ~ ' file'
                ) ~ '; export it again, or remove it.'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro is_other_data_format(name) -%}
    {{ return(name.lower().split('.')[-1] in [
        'xlsx', 'xls', 'ods', 'json', 'jsonl', 'ndjson', 'tsv', 'txt', 'zip', 'bz2', 'xz', 'zst',
        'feather', 'arrow', 'avro', 'orc', 'sav', 'dta', 'sas7bdat',
    ]) }}
{%- endmacro %}

{% macro stop_for_missing_table(name, listing) -%}
    {%- if listing is none -%}
        {%- do stop(
            'the required table ' ~ name ~ ' is not in the schema ' ~ var('input_schema')
            ~ '; make a table or view of that name there, or set input_schema and input_database '
            ~ 'to where it is.'
        ) -%}
    {%- endif -%}
    {%- set names = listing | map(attribute='name') | list -%}
    {%- do stop(
        'the required table ' ~ name ~ ' is not in ' ~ var('input_path') ~ ' (found '
        ~ shorten(names) ~ '); put ' ~ name ~ '.csv, ' ~ name ~ '.csv.gz, ' ~ name
        ~ '.parquet or a folder ' ~ name ~ '/ of such files there.'
    ) -%}
{%- endmacro %}

{% macro check_source(table, source) -%}
    {%- if source.locations | length > 1 -%}
        {%- do stop(
            'the table ' ~ table.name ~ ' is there more than once: '
            ~ source.locations | join(' and ') ~ '; keep one of them.'
        ) -%}
    {%- endif -%}
    {%- for part in source.parts -%}
        {%- do check_part(table, part) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro check_part(table, part) -%}
    {%- set where = shown_path(part.files[0]) if part.files is defined
        else part.relation | string -%}
    {%- set names = part.columns | map(attribute='name') | list -%}
    {%- if part.kind == 'csv' and part.header.count('"') % 2 -%}
        {%- do stop(
            'the header of ' ~ where ~ ' has a quote that is not closed: ' ~ part.header[:200]
            ~ '; mend the first line of the file.'
        ) -%}
    {%- endif -%}
    {%- if not names -%}
        {%- do stop(
            where ~ ' is empty, without even a header; give it a line of column names, or remove '
            ~ 'it.'
        ) -%}
    {%- endif -%}
    {%- for column in table.columns if column.required and column.name not in names -%}
        {%- do stop(
            where ~ ' has no column ' ~ column.name ~ ', which the table ' ~ table.name
            ~ ' requires (found ' ~ shorten(names) ~ '); add it or rename the column that holds it.'
        ) -%}
    {%- endfor -%}
    {%- set known = table.columns | map(attribute='name') | list -%}
    {%- for name in names | unique
           if names.count(name) > 1 and (name in known or name.startswith('x_')) -%}
        {%- do stop(
            where ~ ' has ' ~ names.count(name) ~ ' columns named ' ~ name
            ~ ' (upper and lower case are one); rename or remove all but one.'
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro shorten(names) -%}
    {%- set more = names | length - 12 -%}
    {{ return(names[:12] | join(', ') ~ (' and ' ~ more ~ ' more' if more > 0 else '')) }}
{%- endmacro %}
