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

{# Spark plans a view anew wherever it is read, so that views on views cost more than tables. #}
{% materialization view, adapter='sparksession' %}
    {{ return(materialization_table_spark()) }}
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
