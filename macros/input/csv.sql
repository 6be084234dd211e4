{# CSV is read without the engine's sniffer, which refuses some real files: the header line says
   the delimiter and the columns, every column is text, and lines that do not fit are kept. #}

{# The header line, and the encoding that it shows: read as UTF-8, UTF-16 has zero bytes. #}
{% macro read_csv_header(file) -%}
    {%- set line = csv_header_line(file, 'utf-8') -%}
    {%- if '\x00' in line -%}
        {{ return({'line': csv_header_line(file, 'utf-16'), 'encoding': 'utf-16'}) }}
    {%- endif -%}
    {{ return({'line': line, 'encoding': 'utf-8'}) }}
{%- endmacro %}

{# Each line as one value; rejects are kept apart so that a bad line further on does no harm. #}
{% macro csv_header_line(file, encoding) -%}
    {%- set query -%}
        select line
        from read_csv(
            {{ sql_string(file) }}, auto_detect = false, header = false, strict_mode = false,
            delim = chr(1), quote = '', escape = '', encoding = '{{ encoding }}',
            columns = {'line': 'varchar'}, store_rejects = true, rejects_limit = 1,
            rejects_table = 'rejected_header_lines', rejects_scan = 'rejected_header_files'
        )
        limit 1
    {%- endset -%}
    {%- set rows = run_query(query).rows -%}
    {%- set line = rows[0][0] if rows | length and rows[0][0] is not none else '' -%}
    {{ return((line | string).lstrip('\ufeff').rstrip('\r\n')) }}
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
    {%- set header = read_csv_header(file) -%}
    {%- set line = header.line -%}
    {%- set same = parts | selectattr('kind', 'equalto', 'csv')
        | selectattr('encoding', 'equalto', header.encoding)
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
            'kind': 'csv', 'files': [file], 'encoding': header.encoding, 'header': line,
            'delimiter': delimiter, 'columns': columns,
        }) -%}
    {%- endif -%}
{%- endmacro %}

{% macro read_csv_relation(part, table_name) -%}
    read_csv(
        {{ sql_strings(part.files) }},
        auto_detect = false, header = true,
        delim = {{ 'chr(9)' if part.delimiter == '\t' else sql_string(part.delimiter) }},
        quote = '"', escape = '"', encoding = '{{ part.encoding }}',
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
