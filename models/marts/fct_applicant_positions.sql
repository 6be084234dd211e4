-- depends_on: {{ ref('ml_principal_components') }}
{%- set loadings = {} %}
{%- for row in fitted_rows(
    'ml_principal_components',
    order_by='component, column_name', where="component in ('PC1', 'PC2')"
) %}
    {%- do loadings.setdefault(row.component, []).append(row) %}
{%- endfor %}

with

applicants as (
    select * from {{ ref('ml_persona_space') }}
    where is_persona_snapshot and is_primary
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

positioned as (
    select
        applicants.application_id,
        applicants.known_on,
        round({{ principal_coordinate(loadings.get('PC1', [])) }}, 9) as position_1,
        round({{ principal_coordinate(loadings.get('PC2', [])) }}, 9) as position_2
    from applicants
)

select
    assignments.person_id,
    assignments.entry_term,
    as_of.as_of,
    assignments.run_id,
    assignments.persona_key,
    positioned.position_1,
    positioned.position_2
from assignments
inner join positioned
    on assignments.application_id = positioned.application_id
    and assignments.known_on = positioned.known_on
cross join as_of
