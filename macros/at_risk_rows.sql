{# Everyone at risk in a phase on days of one purpose, with persona, features and outcome. #}
{% macro at_risk_rows(purpose) -%}
with

applicants as (
    select * from {{ ref('ftr_applicants') }}
),

outcomes as (
    select * from {{ ref('int_outcomes_labeled') }}
    where {{ purpose }}
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
)

select
    outcomes.phase,
    outcomes.application_id,
    outcomes.known_on,
    outcomes.days_to_census,
    outcomes.as_of,
    outcomes.person_id,
    outcomes.entry_term,
    outcomes.term_order,
    outcomes.is_open,
    outcomes.is_enrollment_day,
    outcomes.outcome,
    assignments.persona_key,
    applicants.residency,
    applicants.program
    {%- for feature in catalog_features(roles=['enrollment', 'both']) %},
    applicants.{{ feature.feature }}
    {%- endfor %}
from outcomes
inner join applicants
    on outcomes.application_id = applicants.application_id
    and outcomes.known_on = applicants.known_on
left join assignments
    on outcomes.application_id = assignments.application_id
    and outcomes.known_on = assignments.known_on
{%- endmacro %}
