-- depends_on: {{ ref('ml_persona_columns') }}
{%- set columns = fitted_rows('ml_persona_columns', order_by='column_name') %}
{{ config(materialized='view') }}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
)

select
    application_id,
    known_on,
    person_id,
    entry_term,
    is_primary,
    is_persona_snapshot
    {%- for column in columns %},
    {{ weighted_value(column) }} as {{ column.column_name }}
    {%- endfor %}
from applicants
