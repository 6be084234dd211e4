-- depends_on: {{ ref('ftr_scaling') }}
{%- set parameters = fitted_rows('ftr_scaling', order_by='column_name') %}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
)

select
    application_id,
    known_on,
    person_id,
    entry_term,
    is_persona_snapshot,
    is_persona_training,
    is_primary
    {%- for parameter in parameters %},
    {{ scaled_value(parameter) }} as {{ parameter.column_name }}
    {%- endfor %}
from applicants
