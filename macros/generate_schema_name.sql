{# A folder's schema is its name: BI reads `marts`, not `main_marts`. In a project that has this one
   installed the schemas are this one's own, beside those of the project and its other targets. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set own = target.schema ~ '_personas_' if project_name != 'applicant_personas' else '' -%}
    {{ own ~ (custom_schema_name | trim) if custom_schema_name else target.schema }}
{%- endmacro %}
