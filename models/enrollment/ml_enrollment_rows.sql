-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set features = catalog_features(roles=['enrollment', 'both']) %}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
    where is_enrollment_snapshot
),

outcomes as (
    select * from {{ ref('int_outcomes_labeled') }}
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
)

select
    outcomes.phase,
    outcomes.application_id,
    outcomes.known_on,
    outcomes.as_of,
    outcomes.person_id,
    outcomes.entry_term,
    outcomes.term_order,
    outcomes.is_open,
    outcomes.outcome,
    assignments.persona_key,
    applicants.residency,
    applicants.program
    {%- for feature in features %},
    applicants.{{ feature.feature }}
    {%- endfor %}
from outcomes
inner join applicants
    on outcomes.application_id = applicants.application_id
    and outcomes.known_on = applicants.known_on
left join assignments
    on outcomes.application_id = assignments.application_id
    and outcomes.known_on = assignments.known_on
