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
        applicants.*,
        training_outcomes.outcome
    from applicants
    inner join training_outcomes
        on applicants.application_id = training_outcomes.application_id
        and applicants.known_on = training_outcomes.known_on
),

ranked as (
    select
        candidates.*,
        row_number() over (
            partition by target
            order by md5(application_id || '-{{ var("seed") }}'), application_id
        ) as sample_rank
    from candidates
)

select
    target,
    application_id,
    outcome
    {%- for feature in features %},
    {{ feature.feature }}
    {%- endfor %}
from ranked
where sample_rank <= {{ var('training_rows') }}
