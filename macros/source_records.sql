{# How many records the source of a table holds, counted without the reader: rows of a relation
   or of Parquet files; in CSV files the lines that are neither header nor blank nor inside a
   quoted value. #}
{% macro source_records(table_name) -%}
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
            {%- do counts.append(csv_records(part.files)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(counts | join(' + ') or '0') }}
{%- endmacro %}

{# A line with an odd number of quotes opens a value that the next such line closes. Read as
   Latin-1, which every byte is, since only line ends and quotes matter. #}
{% macro csv_records(files) -%}
    (
        with
        lines as (
            select
                filename,
                line,
                row_number() over () as line_number,
                (length(line) - length(replace(line, '"', ''))) % 2 = 1 as is_odd
            from read_csv(
                {{ sql_strings(files) }}, auto_detect = false, header = false,
                strict_mode = false, delim = chr(1), quote = '', escape = '',
                encoding = 'latin-1', filename = true, columns = {'line': 'varchar'}
            )
        ),
        file_ends as (
            select
                filename,
                count(line) as n_lines,
                max(line_number) - count(*) + count(line) as n_before
            from lines
            group by filename
        ),
        marks as (
            select
                filename,
                line_number,
                is_odd,
                line_number - sum(case when line is null then 1 else 0 end) over (
                    partition by filename order by line_number
                    rows between unbounded preceding and current row
                ) as n_before
            from lines
            where line is null or is_odd
        ),
        openings as (
            select
                filename,
                n_before,
                lead(n_before) over (partition by filename order by line_number) as n_closing,
                row_number() over (partition by filename order by line_number) as quote_number
            from marks
            where is_odd
        ),
        continued as (
            select sum(coalesce(openings.n_closing, file_ends.n_before) - openings.n_before) as n
            from openings
            inner join file_ends on openings.filename = file_ends.filename
            where openings.quote_number % 2 = 1
        )
        select
            cast(
                coalesce(sum(file_ends.n_lines), 0)
                - coalesce(sum(case when file_ends.n_lines > 0 then 1 else 0 end), 0)
                - coalesce((select continued.n from continued), 0) as bigint
            )
        from file_ends
    )
{%- endmacro %}
