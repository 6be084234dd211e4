{# What the latest run of dbt did to the marts, for whoever reads the file. The hook at the start
   says `building`, the one at the end how it went; a run that is killed has no end. #}

{# True where the command writes at least one public model. #}
{% macro is_writing_marts() -%}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
        {%- for name in selected_resources
               if graph.nodes.get(name, {}).get('config', {}).get('access') == 'public' -%}
            {{ return(true) }}
        {%- endfor -%}
    {%- endif -%}
    {{ return(false) }}
{%- endmacro %}

{# The row of a run, as it begins: what it was told to build, and when. #}
{% macro building_row(as_of, status='building', ended_at='null') -%}
    {%- set chosen = (invocation_args_dict.get('select') or []) | list -%}
    {%- set left_out = (invocation_args_dict.get('exclude') or []) | list -%}
    {%- set words = chosen + (['exclude'] + left_out if left_out else []) -%}
select
    cast('{{ invocation_id }}' as varchar) as invocation_id,
    cast('{{ status }}' as varchar) as status,
    cast({{ as_of }} as date) as as_of,
    cast({{ sql_string(words | join(' ')) if words else 'null' }} as varchar) as selection,
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) as started_at,
    cast({{ ended_at }} as timestamp) as ended_at
{%- endmacro %}

{# Where the table of a model is, or will be. By the graph, for a part of the project may be without
   the model, which no hook may refer to then. #}
{% macro relation_of(model_name) -%}
    {%- set node = graph.nodes['model.applicant_personas.' ~ model_name] -%}
    {{ return(api.Relation.create(node.database, node.schema, node.alias, type='table')) }}
{%- endmacro %}

{# Marts that an earlier version left in schema marts: nothing replaces them there, and they would
   keep what they hold of people who are erased by now. #}
{% macro drop_moved_marts() -%}
    {%- if is_writing_marts() -%}
        {%- set front = relation_of('dim_personas') -%}
        {%- for node in graph.nodes.values()
               if node.resource_type == 'model' and node.package_name == 'applicant_personas'
               and node.fqn[1] == 'data_quality' -%}
            {%- set left = adapter.get_relation(front.database, front.schema, node.alias) -%}
            {%- do adapter.drop_relation(left) if left is not none -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro start_build_status() -%}
    {%- if is_writing_marts() -%}
        {%- set status = relation_of('dq_build_status') -%}
        {%- if load_relation(status) is not none -%}
            {%- do replace_status(status, building_row('null'), 'true') -%}
        {%- else -%}
            {%- do adapter.create_schema(status.without_identifier()) -%}
            {%- do run_query('create table ' ~ status ~ ' as ' ~ building_row('null')) -%}
            {#- So that the model replaces it, and does not find it in its way. -#}
            {%- do adapter.cache_added(status) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# One statement, so that nobody finds the table empty. #}
{% macro replace_status(status, row, condition) -%}
    {{ return(adapter.dispatch('replace_status', 'applicant_personas')(status, row, condition)) }}
{%- endmacro %}

{% macro duckdb__replace_status(status, row, condition) -%}
    {%- set changes = [] -%}
    {%- for name in [
        'invocation_id', 'status', 'as_of', 'selection', 'started_at', 'ended_at',
    ] -%}
        {%- do changes.append(name ~ ' = known.' ~ name) -%}
    {%- endfor -%}
    {%- do run_query(
        'update ' ~ status ~ ' set ' ~ changes | join(', ') ~ ' from (' ~ row
        ~ ') as known where ' ~ condition
    ) -%}
{%- endmacro %}

{# Tables of files know no update: it is made anew. #}
{% macro spark__replace_status(status, row, condition) -%}
    {%- do run_query('create or replace table ' ~ status ~ ' as ' ~ row) -%}
{%- endmacro %}

{# A run of a part of the marts speaks for the day of the others. #}
{% macro end_build_status() -%}
    {%- if is_writing_marts() -%}
        {%- set failed = results | selectattr('status', 'in', ['error', 'fail', 'runtime error'])
            | list -%}
        {%- set now = modules.datetime.datetime.now(modules.pytz.utc) -%}
        {%- set days = relation_of('int_as_of') -%}
        {%- set as_of = '(select cast(max(as_of) as date) from ' ~ days ~ ')'
            if load_relation(days) is not none else 'null' -%}
        {%- set row = building_row(
            as_of, 'failed' if failed else 'complete',
            "'" ~ now.strftime('%Y-%m-%d %H:%M:%S') ~ "'"
        ) -%}
        {%- set status = relation_of('dq_build_status') -%}
        {%- do replace_status(
            status, row, status.identifier ~ ".invocation_id = '" ~ invocation_id ~ "'"
        ) -%}
    {%- endif -%}
{%- endmacro %}
