{# What `applicant-personas export crm` recorded: the digest of each application that the CRM was
   told of, with what it was told. No rows where there is no record. #}
{% macro exported_rows() -%}
    {{ return(adapter.dispatch('exported_rows', 'applicant_personas')()) }}
{%- endmacro %}

{# The command reads files beside DuckDB: on Spark nothing is recorded, and everything is new. #}
{% macro spark__exported_rows() -%}
    {{ no_exported_rows() }}
{%- endmacro %}

{# A line that can't be read counts as not exported, and goes out once more. #}
{% macro duckdb__exported_rows() -%}
    {%- set record = export_folder() ~ '/crm_exported.csv' -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- set found = run_query('select 1 from glob(' ~ sql_string(record) ~ ')').rows -%}
    {%- endif -%}
    {%- if found | length > 0 -%}
    select * from read_csv(
        {{ sql_string(record) }},
        auto_detect = false, header = true, delim = ',', quote = '"', ignore_errors = true,
        columns = {
            'application_code': 'varchar', 'state_code': 'varchar', 'probability': 'double',
            'exported_at': 'timestamp'
        }
    )
    {%- else -%}
    {{ no_exported_rows() }}
    {%- endif -%}
{%- endmacro %}

{% macro no_exported_rows() -%}
    select
        cast(null as varchar) as application_code,
        cast(null as varchar) as state_code,
        cast(null as double) as probability,
        cast(null as timestamp) as exported_at
    where 1 = 0
{%- endmacro %}

{# A relative path is one within the project, as that of the input. #}
{% macro export_folder() -%}
    {%- set folder = (var('export_path') | string | trim | replace('\\', '/')).rstrip('/') -%}
    {%- set is_absolute = folder.startswith('/') or ':' in folder -%}
    {{ return(folder if is_absolute else project_folder() ~ '/' ~ folder) }}
{%- endmacro %}
