with

leak_rows as (
    select * from {{ ref('ml_leak_rows') }}
),

stages as (
    select * from {{ ref('stages') }}
),

levels as (
    select
        phase,
        feature,
        reached_rank,
        coalesce(category, cast(value as varchar)) as level,
        count(*) as n,
        {{ count_where('has_just_begun') }} as n_beginning,
        {{ count_where('not has_just_begun') }} as n_later
    from leak_rows
    group by phase, feature, reached_rank, coalesce(category, cast(value as varchar))
),

-- The stage that every row with a value had reached.
known as (
    select
        phase,
        feature,
        min(reached_rank) as first_rank,
        sum(n) as n_known
    from levels
    where level is not null
    group by phase, feature
),

before_first as (
    select
        levels.phase,
        levels.feature,
        sum(levels.n) as n_before_first
    from levels
    inner join known
        on levels.phase = known.phase
        and levels.feature = known.feature
        and levels.reached_rank < known.first_rank
    group by levels.phase, levels.feature
),

-- The value that most have when the phase begins; being missing is one.
compared as (
    select
        phase,
        feature,
        sum(n_beginning) as n_beginning,
        sum(n_later) as n_later,
        row_number() over (
            partition by phase, feature order by sum(n_beginning) desc, level asc nulls first
        ) as level_rank
    from levels
    group by phase, feature, level
),

shares as (
    select
        phase,
        feature,
        sum(n_beginning) as n_beginning,
        sum(case when level_rank > 1 then n_beginning else 0 end)
        / nullif(cast(sum(n_beginning) as double), 0) as share_beginning,
        sum(case when level_rank > 1 then n_later else 0 end)
        / nullif(cast(sum(n_later) as double), 0) as share_later
    from compared
    group by phase, feature
),

stage_names as (
    select
        stage_rank,
        min(stage) as stage
    from stages
    where not is_exit
    group by stage_rank
)

select
    shares.phase,
    shares.feature,
    stage_names.stage as first_stage,
    known.first_rank,
    cast(coalesce(known.n_known, 0) as bigint) as n_known,
    cast(coalesce(before_first.n_before_first, 0) as bigint) as n_before_first,
    cast(shares.n_beginning as bigint) as n_beginning,
    shares.share_beginning,
    shares.share_later
from shares
left join known
    on shares.phase = known.phase
    and shares.feature = known.feature
left join before_first
    on shares.phase = before_first.phase
    and shares.feature = before_first.feature
left join stage_names on known.first_rank = stage_names.stage_rank
