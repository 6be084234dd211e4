{# CSV is read without the engine's sniffer, which refuses some real files: the header line says
   the delimiter and the columns, and every column is text. Regular files are read by the engine;
   input__delimited_files says which are not, and input__delimited_records holds their records. #}

{# The first line that is not blank. Read as UTF-8, UTF-16 has zero bytes; a line in another
   encoding is passed over, so it is looked for where the line that was read names no column. Its
   letters of ASCII are known, which is enough for the columns of the contract. #}
{% macro read_csv_header(file, table_name) -%}
    {%- set line = csv_header_line(file, 'utf-8') -%}
    {%- if '\x00' in line -%}
        {%- set line = csv_header_line(file, 'utf-16') -%}
    {%- elif not names_a_column(line, table_name) -%}
        {%- set passed_over = undecoded_line(file) -%}
        {%- if not line or names_a_column(passed_over, table_name) -%}
            {%- set line = passed_over -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(line | replace('\x00', '') | replace('\ufeff', '') | replace('\r', '')) }}
{%- endmacro %}

{# Each line as one value; lines that the engine refuses are kept apart and do no harm. #}
{% macro read_csv_lines(file, encoding) -%}
    read_csv(
        {{ sql_string(file) }}, auto_detect = false, header = false, strict_mode = false,
        delim = chr(1), quote = '', escape = '', encoding = '{{ encoding }}',
        columns = {'line': 'varchar'}, store_rejects = true,
        rejects_table = 'rejected_header_lines', rejects_scan = 'rejected_header_files'
    )
{%- endmacro %}

{% macro csv_header_line(file, encoding) -%}
    {%- do forget_header_lines() -%}
    {%- set rows = run_query(
        'select line from ' ~ read_csv_lines(file, encoding) ~ " where line <> '' limit 1"
    ).rows -%}
    {{ return(rows[0][0] | string if rows | length else '') }}
{%- endmacro %}

{# The first line that is not UTF-8. Lines that are refused are known when all have been read. #}
{% macro undecoded_line(file) -%}
    {%- do forget_header_lines() -%}
    {%- do run_query('select max(line) from ' ~ read_csv_lines(file, 'utf-8')) -%}
    {%- set rows = run_query(
        'select csv_line from temp.rejected_header_lines order by line limit 1'
    ).rows -%}
    {{ return((rows[0][0] | string).strip('\n') if rows | length else '') }}
{%- endmacro %}

{% macro forget_header_lines() -%}
    {%- do run_query('drop table if exists temp.rejected_header_lines') -%}
    {%- do run_query('drop table if exists temp.rejected_header_files') -%}
{%- endmacro %}

{% macro names_a_column(line, table_name) -%}
    {%- set known = find_contract_table(table_name).columns | map(attribute='name') | list -%}
    {%- set names = split_csv_header(line | replace('\ufeff', ''), csv_delimiter(line, table_name)) -%}
    {{ return(names | select('in', known) | list | length > 0) }}
{%- endmacro %}

{% macro split_csv_header(line, delimiter) -%}
    {%- set d = modules.re.escape(delimiter) -%}
    {%- set pattern = '(?:^|%s) *(?:"((?:[^"]|"")*)" *(?=%s|$)|([^%s]*))' | format(d, d, d) -%}
    {%- set names = [] -%}
    {%- for quoted, plain in modules.re.findall(pattern, line) -%}
        {%- do names.append((quoted | replace('""', '"') or plain) | trim | lower) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# The delimiter that makes most columns of the contract out of the header; else most columns. #}
{% macro csv_delimiter(line, table_name) -%}
    {%- set known = find_contract_table(table_name).columns | map(attribute='name') | list -%}
    {%- set best = namespace(delimiter=',', score=-1) -%}
    {%- for delimiter in [',', ';', '\t', '|'] -%}
        {%- set names = split_csv_header(line, delimiter) -%}
        {%- set score = 1000 * names | select('in', known) | list | length + names | length -%}
        {%- if score > best.score -%}
            {%- set best.delimiter = delimiter -%}
            {%- set best.score = score -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(best.delimiter) }}
{%- endmacro %}

{# Puts the file with the part of the same header, or begins a new part. #}
{% macro add_csv_file(parts, file, table_name) -%}
    {%- set line = read_csv_header(file, table_name) -%}
    {%- set same = parts | selectattr('kind', 'equalto', 'csv')
        | selectattr('header', 'equalto', line) | first -%}
    {%- if same -%}
        {%- do same.files.append(file) -%}
    {%- else -%}
        {%- set delimiter = csv_delimiter(line, table_name) -%}
        {%- set columns = [] -%}
        {%- for name in split_csv_header(line, delimiter) if line -%}
            {%- do columns.append(source_column(name, 'varchar', 'c' ~ loop.index)) -%}
        {%- endfor -%}
        {%- do parts.append({
            'kind': 'csv', 'files': [file], 'header': line, 'delimiter': delimiter,
            'columns': columns,
        }) -%}
    {%- endif -%}
{%- endmacro %}

{% macro read_csv_relation(part, table_name) -%}
    read_csv(
        {{ sql_strings(part.files) }},
        auto_detect = false, header = true,
        delim = {{ 'chr(9)' if part.delimiter == '\t' else sql_string(part.delimiter) }},
        quote = '"', escape = '"',
        store_rejects = true,
        rejects_table = {{ sql_string(rejects_name('lines', table_name)) }},
        rejects_scan = {{ sql_string(rejects_name('files', table_name)) }},
        columns = {
            {%- for column in part.columns -%}
            'c{{ loop.index }}': 'varchar'{{ ', ' if not loop.last }}
            {%- endfor -%}
        }
    )
{%- endmacro %}

{# The delimited files of the contract's tables, with what their headers say. #}
{% macro list_delimited_files() -%}
    {%- set rows = [] -%}
    {%- if execute and not var('input_schema') -%}
        {%- set listing = list_input_folder() -%}
        {%- for table in contract_table_names() -%}
            {%- for part in find_source(table, listing).parts if part.kind == 'csv' -%}
                {%- for file in part.files -%}
                    {%- do rows.append([
                        sql_string(table), sql_string(shown_path(file)), sql_string(file),
                        sql_string(part.delimiter), part.columns | length,
                    ]) -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    select
        cast(listed.table_name as varchar) as table_name,
        cast(listed.source_file as varchar) as source_file,
        cast(listed.path as varchar) as path,
        cast(listed.delimiter as varchar) as delimiter,
        cast(listed.n_columns as integer) as n_columns
    from (
        values
        {%- for row in rows %}
        ({{ row | join(', ') }}),
        {%- endfor %}
        (null, null, null, null, null)
    ) as listed (table_name, source_file, path, delimiter, n_columns)
    where listed.path is not null
{%- endmacro %}

{# The parts of a table as they can be read: files that are not regular become parts of records
   already divided. Refs stand outside of the condition, so that parsing sees them. #}
{% macro find_readable_parts(table_name) -%}
    {%- set files = ref('input__delimited_files') -%}
    {%- set records = ref('input__delimited_records') -%}
    {%- if not execute -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set irregular = {} -%}
    {%- if not var('input_schema') and load_relation(files) is not none -%}
        {%- for row in run_query(
            'select path, header from ' ~ files ~ ' where not is_regular order by path'
        ).rows -%}
            {%- do irregular.update({row[0]: row[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do check_records_are_read(records) if irregular -%}
    {%- set parts = [] -%}
    {%- for part in find_source(table_name).parts -%}
        {%- if part.kind != 'csv' -%}
            {%- do parts.append(part) -%}
        {%- else -%}
            {%- do parts.extend(split_csv_part(part, irregular, records)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(parts) }}
{%- endmacro %}

{# Records leave at the end of a run, so what reads them is built in the run that made them. #}
{% macro check_records_are_read(records) -%}
    {%- set name = 'model.applicant_personas.' ~ records.identifier -%}
    {%- if selected_resources and name not in selected_resources -%}
        {%- do stop(
            model.name ~ ' reads files that are taken apart record by record, in the same run '
            ~ 'only; select it with what it reads: --select +' ~ model.name ~ '.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro split_csv_part(part, irregular, records) -%}
    {%- set parts = [] -%}
    {%- set regular = part.files | reject('in', irregular) | list -%}
    {%- if regular -%}
        {%- do parts.append(dict(part, files=regular)) -%}
    {%- endif -%}
    {%- for file in part.files if file in irregular -%}
        {%- set columns = [] -%}
        {%- for name in split_csv_header(irregular[file], part.delimiter) -%}
            {%- do columns.append(
                dict(source_column(name, 'varchar', ''), expression='fields[' ~ loop.index ~ ']')
            ) -%}
        {%- endfor -%}
        {%- do parts.append(
            {'kind': 'records', 'relation': records, 'file': file, 'columns': columns}
        ) -%}
    {%- endfor -%}
    {{ return(parts) }}
{%- endmacro %}
