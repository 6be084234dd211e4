-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set features = shaping_features() %}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
    where is_persona_training
)

-- Restarts matter and rows do not: a bounded sample, the same on every machine.
select
    application_id,
    known_on
    {%- for feature in features %},
    {{ quote_name(feature.feature) }}
    {%- endfor %}
from applicants
order by {{ sample_draw('application_id') }}, application_id
limit {{ var('training_rows') }}
