-- depends_on: {{ ref('stg_feature_catalog') }}
{{ config(materialized='view') }}
{%- set features = told_features() %}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
    where is_persona_snapshot and is_primary
)

{% if features -%}
-- A row each by a join, not by one query a feature: what groups them all may then go to disk.
select
    applicants.person_id,
    applicants.entry_term,
    applicants.as_of,
    features.feature,
    cast(case features.place
        {%- for feature in features %}
        when {{ loop.index }} then applicants.{{ feature.feature }}
        {%- endfor %}
    end as double) as value
from applicants
cross join (
    values
    {%- for feature in features %}
    ({{ loop.index }}, {{ sql_string(feature.feature) }}){{ ',' if not loop.last }}
    {%- endfor %}
) as features (place, feature)
{%- else -%}
select
    person_id, entry_term, as_of,
    cast(null as varchar) as feature,
    cast(null as double) as value
from applicants
where false
{%- endif %}
