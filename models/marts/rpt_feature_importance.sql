{# So high a feature must rank within a persona to be called a driver of it. #}
{%- set top_ranks = 3 %}
{# And so low for everyone that this would be missed. #}
{%- set far_below = 6 %}

with

enrollment_importance as (
    select * from {{ ref('ml_enrollment_importance') }}
),

persona_importance as (
    select * from {{ ref('ml_persona_importance') }}
),

persona_run as (
    select distinct run_id from {{ ref('ml_persona_centroids') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

combined as (
    select
        run_id, 'enrollment' as target, phase, days_to_census, scope, feature, block, importance,
        importance_low, importance_high, importance_rank, direction, impurity_importance,
        is_noise_control, beats_noise, n_rows
    from enrollment_importance
    union all
    select
        persona_run.run_id, persona_importance.target, cast(null as varchar) as phase,
        cast(null as integer) as days_to_census,
        persona_importance.scope, persona_importance.feature, persona_importance.block,
        persona_importance.importance, persona_importance.importance_low,
        persona_importance.importance_high, persona_importance.importance_rank,
        persona_importance.direction, persona_importance.impurity_importance,
        persona_importance.is_noise_control, persona_importance.beats_noise,
        persona_importance.n_rows
    from persona_importance
    cross join persona_run
),

scopes as (
    select
        target,
        phase,
        scope,
        max(n_rows) as n
    from combined
    where target = 'enrollment' and scope <> 'global'
    group by target, phase, scope
),

suppressed as (
    select target, phase, scope
    from ({{ suppressed_cells('scopes', ['target', 'phase'], column='scope') }}) as decided
    where is_suppressed
),

-- What holds for everyone may not hold within a persona.
compared as (
    select
        combined.*,
        combined.scope <> 'global'
        and combined.target = 'enrollment'
        and combined.beats_noise
        and combined.direction in ('raises', 'lowers')
        and overall.direction in ('raises', 'lowers')
        and overall.beats_noise
        and combined.direction <> overall.direction as is_opposite,
        combined.scope <> 'global'
        and combined.target = 'enrollment'
        and combined.beats_noise
        and combined.importance_rank <= {{ top_ranks }}
        and (
            not overall.beats_noise or overall.importance_rank > {{ far_below }}
        ) as is_own,
        overall.importance_rank as overall_rank,
        overall.beats_noise as overall_beats_noise
    from combined
    left join combined as overall
        on combined.run_id = overall.run_id
        and combined.target = overall.target
        and combined.feature = overall.feature
        and overall.scope = 'global'
)

select
    compared.run_id,
    compared.target,
    compared.phase,
    cast(compared.days_to_census as integer) as days_to_census,
    compared.scope,
    compared.feature,
    compared.block,
    round(compared.importance, 9) as importance,
    round(compared.importance_low, 9) as importance_low,
    round(compared.importance_high, 9) as importance_high,
    cast(compared.importance_rank as integer) as importance_rank,
    compared.direction,
    round(compared.impurity_importance, 9) as impurity_importance,
    compared.feature like 'block: %' as is_block,
    compared.is_noise_control,
    compared.beats_noise,
    coalesce(compared.is_opposite or compared.is_own, false) as reverses_global,
    case
        when compared.importance is null
            then 'Too few'
                || case when compared.scope <> 'global' then ' of this persona' else '' end
                || ' to tell'
                || case
                    when suppressed.scope is null
                        then ': ' || cast(compared.n_rows as varchar)
                            || ' applications, fewer than 10 of them with or without the outcome'
                    else ''
                end || '.'
        when compared.is_opposite
            then 'The other way round than for everyone: here a higher value '
                || compared.direction || ' the likelihood.'
        when compared.is_own
            then 'Among the first {{ top_ranks }} of this persona, though for everyone together '
                || case
                    when compared.overall_beats_noise
                        then 'it is number ' || cast(compared.overall_rank as varchar) || '.'
                    else 'it tells no more than chance.'
                end
    end as note,
    case when suppressed.scope is null then cast(compared.n_rows as bigint) end as n_rows,
    as_of.is_static
from compared
left join suppressed
    on compared.target = suppressed.target
    and compared.phase = suppressed.phase
    and compared.scope = suppressed.scope
cross join as_of
