{# A table of a query that is written for DuckDB, or of what a Python model returns: the session
   runs the model and writes the table by itself. #}
{% macro sparksession__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if language == 'python' -%}
        {{ compiled_code }}
    {%- elif temporary -%}
        create or replace temporary view {{ relation }} as
        {{ adapter.translate(compiled_code) }}
    {%- else -%}
        {%- set query = compiled_code -%}
        {%- if config.get('contract').enforced -%}
            {%- do get_assert_columns_equivalent(compiled_code) -%}
            {%- set query = get_select_subquery(compiled_code) -%}
        {%- endif -%}
        create table {{ relation }}
        using {{ config.get('file_format', 'parquet') }}
        {{ options_clause() }}
        {{ tblproperties_clause() }}
        {{ partition_cols(label='partitioned by') }}
        {{ clustered_cols(label='clustered by') }}
        {{ location_clause() }}
        {{ comment_clause() }}
        as
        {{ adapter.translate(query) }}
    {%- endif -%}
{%- endmacro %}

{# A table takes the place of the former one when it is made: a model may read what it was. #}
{% materialization table, adapter='sparksession', supported_languages=['sql', 'python'] %}
    {%- set former = adapter.get_relation(database=database, schema=schema, identifier=this.identifier) -%}
    {%- set relation = this.incorporate(type='table') -%}
    {%- set made = relation -%}
    {%- if model['language'] == 'python' -%}
        {%- do adapter.drop_relation(former) if former is not none -%}
    {%- elif former is not none -%}
        {%- set made = relation.incorporate(path={'identifier': this.identifier ~ '__dbt_new'}) -%}
        {%- do adapter.drop_relation(made) -%}
    {%- endif -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main', language=model['language']) -%}
        {{ create_table_as(false, made, compiled_code, model['language']) }}
    {%- endcall -%}
    {%- if made is not sameas relation -%}
        {%- do adapter.drop_relation(former) -%}
        {%- do run_query('alter table ' ~ made ~ ' rename to ' ~ relation) -%}
    {%- endif -%}
    {%- do apply_grants(relation, config.get('grants'), should_revoke(former, true)) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

{# Spark plans a view anew wherever it is read, so that views on views cost more than tables. #}
{% materialization view, adapter='sparksession' %}
    {{ return(materialization_table_sparksession()) }}
{% endmaterialization %}

{% macro sparksession__create_csv_table(model, agate_table) %}
    {%- set given = model['config'].get('column_types', {}) -%}
    {%- set columns = [] -%}
    {%- for name in agate_table.column_names -%}
        {%- set type = given.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
        {%- do columns.append(adapter.quote(name) ~ ' ' ~ adapter.translate_type(type)) -%}
    {%- endfor -%}
    {% set sql %}
        create table {{ this.render() }} (
            {{ columns | join(', ') }}
        )
        using {{ config.get('file_format', 'parquet') }}
        {{ location_clause() }}
        {{ comment_clause() }}
    {% endset %}
    {% call statement('_') -%}
        {{ sql }}
    {%- endcall %}
    {{ return(sql) }}
{% endmacro %}

{% macro sparksession__load_csv_rows(model, agate_table) %}
    {%- do adapter.load_seed(this.render(), agate_table) -%}
    {{ return('-- ' ~ agate_table.rows | length ~ ' rows') }}
{% endmacro %}

{# The description of a table is written with it; those of columns would take a statement each. #}
{% macro sparksession__persist_docs(relation, model, for_relation, for_columns) -%}
{%- endmacro %}

{# Tables of files hold no constraints; data tests look for what they say. #}
{% macro sparksession__persist_constraints(relation, model) -%}
{%- endmacro %}
