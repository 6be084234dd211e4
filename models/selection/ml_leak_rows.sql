{# Days within which an application counts as having just begun the phase. #}
{%- set entry_days = 7 %}
{%- set n_folds = 5 %}
-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set candidates = catalog_features(roles=['enrollment', 'both']) %}

with

outcomes as (
    select * from {{ ref('int_outcomes_labeled') }}
    where outcome is not null
),

applicants as (
    select * from {{ ref('ftr_applicants') }}
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

stages_known as (
    select * from {{ ref('int_stages_known') }}
),

stages as (
    select * from {{ ref('stages') }}
),

stage_events as (
    select * from {{ ref('stg_stage_events') }}
),

profiled as (
    select
        outcomes.phase,
        outcomes.application_id,
        outcomes.known_on,
        outcomes.days_to_census,
        outcomes.outcome,
        {{ sample_draw('outcomes.application_id') }} as draw
    from outcomes
    inner join applicants
        on outcomes.application_id = applicants.application_id
        and outcomes.known_on = applicants.known_on
),

sizes as (
    select
        phase,
        count(*) as n
    from profiled
    group by phase
),

-- Whole applications as far as possible, so that the days compare.
ranked as (
    select
        profiled.*,
        row_number() over (
            partition by profiled.phase
            order by profiled.draw, profiled.application_id, profiled.known_on
        ) as sample_rank,
        dense_rank() over (
            partition by profiled.phase
            order by profiled.draw, profiled.application_id
        ) as application_rank
    from profiled
    inner join sizes on profiled.phase = sizes.phase
    where {{ may_be_sampled('profiled.draw', 'sizes.n', var('training_rows')) }}
),

-- When the phase began for an application, whenever that was written down.
beginnings as (
    select
        stage_events.application_id,
        phases.phase,
        min(cast(stage_events.occurred_at as date)) as began_on
    from stage_events
    inner join stages on stage_events.stage = stages.stage
    inner join phases on {{ proven_rank('stages') }} >= phases.at_risk_rank
    group by stage_events.application_id, phases.phase
),

sampled as (
    select
        ranked.phase,
        ranked.application_id,
        ranked.known_on,
        ranked.days_to_census,
        ranked.outcome,
        ranked.application_rank % {{ n_folds }} as fold,
        coalesce(stages_known.reached_rank, phases.at_risk_rank) as reached_rank,
        -- Before an inquiry nobody is known at all, so there everything grows.
        case
            when phases.at_risk_rank > {{ stage_rank('inquiry') }}
                then {{ dbt.datediff('beginnings.began_on', 'ranked.known_on', 'day') }}
                    <= {{ entry_days }}
        end as has_just_begun
        {%- for feature in candidates %},
        applicants.{{ feature.feature }}
        {%- endfor %}
    from ranked
    inner join phases on ranked.phase = phases.phase
    inner join applicants
        on ranked.application_id = applicants.application_id
        and ranked.known_on = applicants.known_on
    left join stages_known
        on ranked.application_id = stages_known.application_id
        and ranked.known_on = stages_known.known_on
    left join beginnings
        on ranked.application_id = beginnings.application_id
        and ranked.phase = beginnings.phase
    where ranked.sample_rank <= {{ var('training_rows') }}
)
{% for feature in candidates %}
select
    phase,
    application_id,
    known_on,
    days_to_census,
    outcome,
    fold,
    reached_rank,
    has_just_begun,
    {{ sql_string(feature.feature) }} as feature,
    {%- if feature.kind == 'category' %}
    cast(null as double) as value,
    {{ feature.feature }} as category
    {%- else %}
    {{ feature.feature }} as value,
    cast(null as varchar) as category
    {%- endif %}
from sampled
{{ 'union all' if not loop.last }}
{%- else %}
select
    phase, application_id, known_on, days_to_census, outcome, fold, reached_rank, has_just_begun,
    cast(null as varchar) as feature, cast(null as double) as value,
    cast(null as varchar) as category
from sampled
where 1 = 0
{%- endfor %}
