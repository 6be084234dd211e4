with

enrollment_importance as (
    select * from {{ ref('ml_enrollment_importance') }}
),

persona_importance as (
    select * from {{ ref('ml_persona_importance') }}
),

persona_run as (
    select distinct run_id from {{ ref('ml_persona_keys') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

combined as (
    select
        run_id, 'enrollment' as target, phase, scope, feature, block, importance,
        importance_low, importance_high, importance_rank, direction, impurity_importance,
        is_noise_control, beats_noise, n_rows
    from enrollment_importance
    union all
    select
        persona_run.run_id, persona_importance.target, cast(null as varchar) as phase,
        persona_importance.scope, persona_importance.feature, persona_importance.block,
        persona_importance.importance, persona_importance.importance_low,
        persona_importance.importance_high, persona_importance.importance_rank,
        persona_importance.direction, persona_importance.impurity_importance,
        persona_importance.is_noise_control, persona_importance.beats_noise,
        persona_importance.n_rows
    from persona_importance
    cross join persona_run
)

select
    run_id,
    target,
    phase,
    scope,
    feature,
    block,
    round(importance, 9) as importance,
    round(importance_low, 9) as importance_low,
    round(importance_high, 9) as importance_high,
    cast(importance_rank as integer) as importance_rank,
    direction,
    round(impurity_importance, 9) as impurity_importance,
    feature like 'block: %' as is_block,
    is_noise_control,
    beats_noise,
    cast(n_rows as bigint) as n_rows,
    as_of.is_static
from combined
cross join as_of
