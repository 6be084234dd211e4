{# What the latest run of dbt did to the marts, for whoever reads the file. The hook at the start says
   `building`, the one at the end how it went; a run that is killed has no end. #}

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

{% macro building_row(as_of) -%}
    {%- set given = invocation_args_dict -%}
    {%- set chosen = ((given.get('select') or []) | list)
        + (['exclude'] + (given.exclude | list) if given.get('exclude') else []) -%}
select
    cast('{{ invocation_id }}' as varchar) as invocation_id,
    cast('building' as varchar) as status,
    cast({{ as_of }} as date) as as_of,
    cast({{ sql_string(chosen | join(' ')) if chosen else 'null' }} as varchar) as selection,
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) as started_at,
    cast(null as timestamp) as ended_at
{%- endmacro %}

{# Where the model's table is, and whether it is there. #}
{% macro load_build_status() -%}
    {%- set node = graph.nodes['model.applicant_personas.dq_build_status'] -%}
    {%- set status = api.Relation.create(node.database, node.schema, node.alias, type='table') -%}
    {{ return({'relation': status, 'is_there': load_relation(status) is not none}) }}
{%- endmacro %}

{% macro start_build_status() -%}
    {%- if is_writing_marts() -%}
        {%- set status = load_build_status() -%}
        {%- if status.is_there -%}
            {#- One statement, so that nobody finds the table empty. -#}
            {%- set columns = [] -%}
            {%- for name in [
                'invocation_id', 'status', 'as_of', 'selection', 'started_at', 'ended_at',
            ] -%}
                {%- do columns.append(name ~ ' = begun.' ~ name) -%}
            {%- endfor -%}
            {%- do run_query(
                'update ' ~ status.relation ~ ' set ' ~ columns | join(', ') ~ ' from ('
                ~ building_row('null') ~ ') as begun'
            ) -%}
        {%- else -%}
            {%- do adapter.create_schema(status.relation.without_identifier()) -%}
            {%- do run_query(
                'create table ' ~ status.relation ~ ' as ' ~ building_row('null')
            ) -%}
            {#- So that the model replaces it, and does not find it in its way. -#}
            {%- do adapter.cache_added(status.relation) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro end_build_status() -%}
    {%- if is_writing_marts() -%}
        {%- set failed = results | selectattr('status', 'in', ['error', 'fail', 'runtime error'])
            | list -%}
        {%- set status = load_build_status() -%}
        {%- set now = modules.datetime.datetime.now(modules.pytz.utc) -%}
        {%- set days = graph.nodes['model.applicant_personas.int_as_of'].relation_name -%}
        {#- A run of a part of the marts speaks for the day of the others. -#}
        {%- set has_day = load_relation(api.Relation.create(
            target.database, generate_schema_name('intermediate', none), 'int_as_of'
        )) is not none -%}
        {%- do run_query(
            'update ' ~ status.relation ~ " set status = '"
            ~ ('failed' if failed else 'complete') ~ "', ended_at = cast('"
            ~ now.strftime('%Y-%m-%d %H:%M:%S') ~ "' as timestamp)"
            ~ (', as_of = (select cast(max(as_of) as date) from ' ~ days ~ ')' if has_day else '')
            ~ " where invocation_id = '" ~ invocation_id ~ "'"
        ) if status.is_there -%}
    {%- endif -%}
{%- endmacro %}
