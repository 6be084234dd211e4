-- depends_on: {{ ref('ml_persona_columns') }}
-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set columns = fitted_rows('ml_persona_columns', order_by='column_name') %}
{%- set known = persona_columns() %}
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
    {{ weighted_value(column) if column in known else 'cast(null as double)' }}
        as {{ column.column_name }}
    {%- endfor %}
from applicants
