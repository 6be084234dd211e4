-- depends_on: {{ ref('stg_feature_catalog') }}
with

applicants as (
    select * from {{ ref('ftr_applicants') }}
),

outcomes as (
    select * from {{ ref('int_outcomes_labeled') }}
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
)

select
    -- Codes instead of text: a fit reads numbers, and sorting by a digest is drawing at random.
    {{ stable_hash("outcomes.phase || '|' || outcomes.application_id || '|' "
        ~ "|| cast(outcomes.known_on as varchar)") }} as row_code,
    {{ stable_hash('outcomes.application_id') }} as application_code,
    {{ stable_hash('outcomes.person_id') }} as person_code,
    outcomes.phase,
    outcomes.ladder,
    outcomes.outcome_stage,
    outcomes.application_id,
    outcomes.known_on,
    outcomes.days_to_census,
    outcomes.as_of,
    outcomes.stage_since,
    outcomes.person_id,
    outcomes.entry_term,
    entry_terms.previous_entry_term,
    outcomes.term_order,
    outcomes.is_open,
    outcomes.is_enrollment_day,
    outcomes.is_training_day,
    outcomes.is_standing,
    outcomes.outcome,
    assignments.persona_key,
    applicants.residency,
    applicants.program
    {%- for feature in catalog_features(roles=['enrollment', 'both']) %},
    applicants.{{ feature.feature }}
    {%- endfor %}
from outcomes
inner join entry_terms on outcomes.entry_term = entry_terms.entry_term
inner join applicants
    on outcomes.application_id = applicants.application_id
    and outcomes.known_on = applicants.known_on
left join assignments
    on outcomes.application_id = assignments.application_id
    and outcomes.known_on = assignments.known_on
-- A fit reads a phase and a day at a time, and skips what lies elsewhere.
order by outcomes.phase, outcomes.days_to_census
