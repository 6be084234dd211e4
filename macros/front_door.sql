{# The marts that are read first: what each is made of, what would fill it, and the tables whose
   values it lives on. The one place where they are listed. #}
{% macro front_door_marts() -%}
    {%- set personas = {
        'made_of': 'personas',
        'filled_by': 'columns that tell applicants apart, such as scores, grades and interactions',
        'tables': ['persons', 'test_scores', 'education_records', 'interactions'],
    } -%}
    {%- set likelihoods = {
        'made_of': 'likelihoods',
        'filled_by': 'a closed cycle, and the days on which its applications were submitted, '
            ~ 'admitted and enrolled',
        'tables': ['applications', 'stage_events', 'entry_terms'],
    } -%}
    {{ return({
        'dim_personas': personas,
        'fct_applicant_personas': personas,
        'fct_enrollment_scores': likelihoods,
        'rpt_feature_importance': {
            'made_of': 'personas',
            'filled_by': 'personas, or likelihoods',
            'tables': personas.tables + likelihoods.tables,
        },
        'rpt_persona_enrollment': likelihoods,
    }) }}
{%- endmacro %}
