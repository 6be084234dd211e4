-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set features = model_features() %}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
),

outcomes as (
    select * from {{ ref('int_outcomes_labeled') }}
    where outcome is not null and is_enrollment_day
),

-- The last closed cycle is what the models are evaluated on: it may not choose features.
test_cycle as (
    select
        max(term_order) as term_order,
        count(distinct term_order) as n_cycles
    from outcomes
),

training_outcomes as (
    select outcomes.* from outcomes
    cross join test_cycle
    where outcomes.term_order < test_cycle.term_order or test_cycle.n_cycles = 1
),

candidates as (
    select
        training_outcomes.phase as target,
        training_outcomes.application_id,
        training_outcomes.known_on,
        training_outcomes.outcome,
        {{ sample_draw('training_outcomes.application_id') }} as draw
    from training_outcomes
    inner join applicants
        on training_outcomes.application_id = applicants.application_id
        and training_outcomes.known_on = applicants.known_on
),

sizes as (
    select
        target,
        count(*) as n
    from candidates
    group by target
),

ranked as (
    select
        candidates.*,
        row_number() over (
            partition by candidates.target
            order by candidates.draw, candidates.application_id
        ) as sample_rank
    from candidates
    inner join sizes on candidates.target = sizes.target
    where {{ may_be_sampled('candidates.draw', 'sizes.n', var('training_rows')) }}
)

select
    ranked.target,
    ranked.application_id,
    ranked.outcome
    {%- for feature in features %},
    applicants.{{ feature.feature }}
    {%- endfor %}
from ranked
inner join applicants
    on ranked.application_id = applicants.application_id
    and ranked.known_on = applicants.known_on
where ranked.sample_rank <= {{ var('training_rows') }}
