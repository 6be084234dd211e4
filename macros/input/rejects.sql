{# DuckDB puts lines that it can't read into temporary tables of the connection. The model that
   reads a file copies them, in the same transaction, into a table beside itself. #}

{% macro rejects_name(kind, table_name) -%}
    {{ return('rejected_' ~ kind ~ '_of_' ~ table_name) }}
{%- endmacro %}

{# Leftovers of a build that failed in this connection. #}
{% macro forget_rejects(table_name) -%}
    {%- for kind in ['lines', 'files'] -%}
        {%- do run_query('drop table if exists temp.' ~ rejects_name(kind, table_name)) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro rejects_relation(relation) -%}
    {{ return(api.Relation.create(
        database=relation.database, schema=relation.schema,
        identifier=relation.identifier ~ '_rejects'
    )) }}
{%- endmacro %}

{# The post-hook of every input model: replaces what the model refused before. #}
{% macro keep_rejects() -%}
    {%- if execute -%}
    create or replace table {{ rejects_relation(this) }} as
    {{ read_rejects(model.config.meta.table) }}
    {%- endif -%}
{%- endmacro %}

{# Lines that the engine refused, and those that were no record in irregular files. Of a line that
   names somebody who is erased only the place and the kind of fault stay. #}
{% macro read_rejects(table_name) -%}
    {%- set lines = rejects_name('lines', table_name) -%}
    {%- set is_refused = has_rejects(lines) -%}
    {#- Who is erased is read from the source again, so only where there is a line to judge. -#}
    {%- set is_judged = is_refused or has_unreadable_records(table_name) -%}
    select
        unread.table_name,
        unread.source_file,
        unread.line_number,
        unread.column_name,
        case when not unread.is_erased then unread.raw_text end as raw_text,
        case
            when unread.is_erased then split_part(unread.reason, ':', 1) else unread.reason
        end as reason
    from (
        select
            lines.*,
            {{ names_erased(table_name, 'lines.raw_text') if is_judged else 'false' }} as is_erased
        from (
            select
                table_name,
                path as source_file,
                line_number,
                cast(null as varchar) as column_name,
                raw_text,
                reason
            from {{ ref('input__delimited_records') }}
            where reason is not null and table_name = {{ sql_string(table_name) }}
            {%- if is_refused %}
            union all
            {{ refused_lines(table_name, lines) }}
            {%- endif %}
        ) as lines
    ) as unread
{%- endmacro %}

{% macro refused_lines(table_name, lines) -%}
    select
        {{ sql_string(table_name) }} as table_name,
        described.path as source_file,
        cast(lines.line as bigint) as line_number,
        described.columns[cast(substr(lines.column_name, 2) as bigint)] as column_name,
        trim(lines.csv_line, chr(10) || chr(13)) as raw_text,
        lower(cast(lines.error_type as varchar)) || ': ' || lines.error_message as reason
    from temp.{{ lines }} as lines
    inner join temp.{{ rejects_name('files', table_name) }} as files
        on lines.scan_id = files.scan_id and lines.file_id = files.file_id
    left join {{ ref('input__files') }} as described on files.file_path = described.opened_at
    qualify row_number() over (
        partition by files.file_path, lines.line, lines.line_byte_position
        order by lines.column_idx, lines.error_type
    ) = 1
{%- endmacro %}

{% macro has_rejects(lines) -%}
    {%- if not reads_files() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set query -%}
        select 1 from duckdb_tables() where temporary and table_name = {{ sql_string(lines) }}
    {%- endset -%}
    {%- if not run_query(query).rows | length -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(run_query('select 1 from temp.' ~ lines ~ ' limit 1').rows | length > 0) }}
{%- endmacro %}

{% macro has_unreadable_records(table_name) -%}
    {%- set query -%}
        select 1 from {{ ref('input__delimited_records') }}
        where reason is not null and table_name = {{ sql_string(table_name) }}
        limit 1
    {%- endset -%}
    {{ return(run_query(query).rows | length > 0) }}
{%- endmacro %}
