-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set features = persona_features() %}

with

sampled as (
    select * from {{ ref('ml_persona_sample') }}
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
)

select
    assignments.run_id,
    assignments.persona_key,
    sampled.application_id
    {%- for feature in features %},
    sampled.{{ feature.feature }}
    {%- endfor %}
from sampled
inner join assignments
    on sampled.application_id = assignments.application_id
    and sampled.known_on = assignments.known_on
