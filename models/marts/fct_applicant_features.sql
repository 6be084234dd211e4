-- depends_on: {{ ref('stg_feature_catalog') }}
{{ config(materialized='view') }}
{%- set features = told_features() %}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
    where is_persona_snapshot and is_primary
)

{% for feature in features -%}
select
    person_id,
    entry_term,
    as_of,
    {{ sql_string(feature.feature) }} as feature,
    cast({{ feature.feature }} as double) as value
from applicants
{{ 'union all' if not loop.last }}
{% else -%}
select
    person_id, entry_term, as_of,
    cast(null as varchar) as feature,
    cast(null as double) as value
from applicants
where false
{% endfor %}
