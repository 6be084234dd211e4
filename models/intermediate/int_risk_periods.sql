{%- set leaves_phase = 'is_exit or proven_rank >= least(phases.outcome_rank, '
    ~ 'coalesce(phases.next_at_risk_rank, phases.outcome_rank))' %}

with

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

stages as (
    select * from {{ ref('stages') }}
),

stage_events as (
    select
        stage_events.application_id,
        cast(stage_events.known_at as date) as known_on,
        cast(stage_events.occurred_at as date) as occurred_on,
        stage_events.stage,
        stages.is_exit,
        {{ proven_rank('stages') }} as proven_rank
    from {{ ref('stg_stage_events') }} as stage_events
    inner join stages on stage_events.stage = stages.stage
),

histories as (
    select
        stage_events.application_id,
        phases.phase,
        max(case when proven_rank >= phases.at_risk_rank then 1 else 0 end) as was_at_risk,
        min(case when proven_rank >= phases.at_risk_rank then known_on end) as at_risk_on,
        min(case when proven_rank >= phases.at_risk_rank then occurred_on end) as stage_since,
        -- Decided, or a rung further up.
        max(case when {{ leaves_phase }} then 1 else 0 end) as was_left,
        min(case when {{ leaves_phase }} then known_on end) as left_on,
        max(
            case when not is_exit and proven_rank >= phases.outcome_rank then 1 else 0 end
        ) as reached_outcome,
        max(case when stage = 'deferred' then 1 else 0 end) as was_deferred
    from stage_events
    cross join phases
    group by stage_events.application_id, phases.phase
),

applied as (
    select
        application_id,
        phase,
        was_at_risk = 1 as was_at_risk,
        at_risk_on,
        stage_since,
        was_left = 1 as was_left,
        left_on,
        {% if var('deferrals') == 'enrolled' -%}
        reached_outcome = 1 or was_deferred = 1 as has_outcome,
        {%- else -%}
        reached_outcome = 1 and was_deferred = 0 as has_outcome,
        {%- endif %}
        was_deferred = 1 as was_deferred
    from histories
),

-- What came of prospects is what came of the applications that they made in the term.
prospective as (
    select
        prospects.application_id,
        phases.phase,
        true as was_at_risk,
        prospects.first_known_on as at_risk_on,
        prospects.first_known_on as stage_since,
        false as was_left,
        cast(null as date) as left_on,
        max(case when applied.has_outcome then 1 else 0 end) = 1 as has_outcome,
        max(case when applied.was_deferred then 1 else 0 end) = 1 as was_deferred
    from {{ ref('int_prospects') }} as prospects
    inner join phases on phases.at_risk_rank <= {{ stage_rank('inquiry') }}
    left join {{ ref('int_applications_dated') }} as applications
        on prospects.person_id = applications.person_id
        and prospects.entry_term = applications.entry_term
    left join applied
        on applications.application_id = applied.application_id
        and phases.phase = applied.phase
    group by prospects.application_id, phases.phase, prospects.first_known_on
)

select * from applied
where was_at_risk
union all
select * from prospective
