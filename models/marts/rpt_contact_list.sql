with

scores as (
    select * from {{ ref('fct_enrollment_scores') }}
),

open_terms as (
    select entry_term from {{ ref('dim_entry_terms') }}
    where is_open
),

-- Whoever may be called at all.
contactable as (
    select person_id from {{ ref('stg_persons') }}
    where can_contact and not profiling_objection
),

applications as (
    select * from {{ ref('int_applications_as_of') }}
),

stages_known as (
    select * from {{ ref('int_stages_known') }}
),

engagement as (
    select * from {{ ref('int_engagement_known') }}
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

programs as (
    select * from {{ ref('dim_programs') }}
),

personas as (
    select * from {{ ref('dim_personas') }}
),

stages as (
    select
        stage,
        stage_rank,
        row_number() over (partition by stage_rank order by is_optional, stage) as preference
    from {{ ref('stages') }}
    where not is_exit
),

-- Who has enrolled, or registered, by one application has decided about the others.
decided as (
    select distinct applications.person_id
    from applications
    inner join open_terms on applications.entry_term = open_terms.entry_term
    inner join stages_known
        on applications.application_id = stages_known.application_id
        and applications.known_on = stages_known.known_on
    where not stages_known.has_exited
        and stages_known.reached_rank
        >= (select min(phases.outcome_rank) from phases where phases.is_once_only)
),

-- Of several outcomes the one furthest on. Put in order by what decides the order alone.
listed as (
    select
        scores.application_id,
        scores.person_id,
        scores.known_on,
        scores.phase,
        scores.probability,
        phases.at_risk_stage,
        row_number() over (
            partition by scores.application_id order by phases.outcome_rank desc
        ) as preference
    from scores
    inner join open_terms on scores.entry_term = open_terms.entry_term
    inner join contactable on scores.person_id = contactable.person_id
    inner join phases on scores.phase = phases.phase
    left join decided on scores.person_id = decided.person_id
    where scores.outcome is null and decided.person_id is null
),

described as (
    select
        listed.*,
        coalesce(stages.stage, listed.at_risk_stage) as stage,
        {{ dbt.datediff('engagement.last_touch_on', 'listed.known_on', 'day') }}
            as days_since_last_touch
    from listed
    left join stages_known
        on listed.application_id = stages_known.application_id
        and listed.known_on = stages_known.known_on
    left join stages on stages_known.reached_rank = stages.stage_rank and stages.preference = 1
    left join engagement
        on listed.application_id = engagement.application_id
        and listed.known_on = engagement.known_on
    where listed.preference = 1
),

ranked as (
    select
        *,
        row_number() over (
            order by
                round(abs(probability - 0.5), 9) asc,
                days_since_last_touch desc nulls first,
                application_id asc
        ) as contact_rank
    from described
),

placed as (
    select
        *,
        row_number() over (partition by person_id order by contact_rank) as person_rank
    from ranked
)

select
    placed.application_id,
    scores.as_of,
    placed.contact_rank,
    placed.person_rank,
    placed.person_id,
    true as can_contact,
    scores.entry_term,
    scores.program_code,
    coalesce(programs.program_name, scores.program_code) as program_name,
    placed.phase,
    placed.stage,
    scores.stage_since,
    cast(placed.days_since_last_touch as bigint) as days_since_last_touch,
    scores.persona_key,
    personas.persona_name,
    placed.probability,
    scores.band,
    scores.reason_1,
    scores.reason_2,
    scores.reason_3,
    scores.raising_reason,
    scores.lowering_reason
from placed
inner join scores
    on placed.application_id = scores.application_id
    and placed.phase = scores.phase
left join programs on scores.program_code = programs.program_code
left join personas on scores.persona_key = personas.persona_key
