-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set features = persona_features() %}

with

sampled as (
    select application_id, known_on from {{ ref('ml_persona_sample') }}
),

applicants as (
    select * from {{ ref('ftr_applicants') }}
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
)

select
    assignments.run_id,
    assignments.persona_key,
    applicants.application_id
    {%- for feature in features %},
    applicants.{{ feature.feature }}
    {%- endfor %}
from sampled
inner join applicants
    on sampled.application_id = applicants.application_id
    and sampled.known_on = applicants.known_on
inner join assignments
    on sampled.application_id = assignments.application_id
    and sampled.known_on = assignments.known_on
