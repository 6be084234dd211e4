{# The contract as models/input/_input.yml states it; everything else asks these macros. #}

{# The names alone, known while parsing, when the graph is not: models refer to each in a loop. #}
{% macro contract_table_names() -%}
    {{ return([
        'persons', 'applications', 'stage_events', 'test_scores', 'education_records',
        'interactions', 'entry_terms', 'programs', 'protected_attributes', 'erasure_list',
        'feature_catalog', 'persona_names',
        'xwalk_stages', 'xwalk_tests', 'xwalk_components', 'xwalk_interaction_types',
        'xwalk_countries', 'xwalk_programs', 'xwalk_values',
    ]) }}
{%- endmacro %}

{# One table: name, required, grain, feeds, marts, and its columns in order. #}
{% macro find_contract_table(name) -%}
    {%- set node = graph.nodes['model.applicant_personas.input__' ~ name] -%}
    {%- set meta = node.config.meta -%}
    {%- set columns = [] -%}
    {%- for column in node.columns.values() if column.name != '_refused' -%}
        {%- set column_meta = column.config.meta -%}
        {%- do columns.append({
            'name': column.name,
            'type': column.data_type,
            'required': column_meta.get('required', false),
            'feeds': column_meta.get('feeds', []),
            'features': column_meta.get('features', []),
            'substitute': column_meta.get('substitute'),
            'marts': column_meta.get('marts', []),
            'values': column_meta.get('values', []),
            'range': column_meta.get('range'),
        }) -%}
    {%- endfor -%}
    {{ return({
        'name': name,
        'required': meta.required,
        'grain': meta.grain,
        'feeds': meta.feeds,
        'marts': meta.get('marts', []),
        'columns': columns,
    }) }}
{%- endmacro %}

{% macro contract_tables() -%}
    {%- set tables = [] -%}
    {%- for name in contract_table_names() -%}
        {%- do tables.append(find_contract_table(name)) -%}
    {%- endfor -%}
    {{ return(tables) }}
{%- endmacro %}

{# The codes that the contract gives a column, such as the stages, in their order. #}
{% macro contract_values(table_name, column_name) -%}
    {%- set columns = find_contract_table(table_name).columns -%}
    {{ return((columns | selectattr('name', 'equalto', column_name) | first)['values']) }}
{%- endmacro %}
