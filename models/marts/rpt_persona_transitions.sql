with

history as (
    select * from {{ ref('ml_persona_history') }}
),

as_of as (
    select as_of from {{ ref('int_as_of') }}
),

fits as (
    select
        run_id,
        max(text) as fitted_at
    from {{ ref('ml_persona_runs') }}
    where record = 'provenance' and metric = 'fitted_at'
    group by run_id
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
),

days as (
    select entry_term, known_on from {{ ref('int_snapshot_days') }}
    where is_enrollment_day and is_closed and not is_persona_day
),

certainty as (
    select
        persona_key,
        1 - {{ stable_avg('stability') }} as noise_share
    from {{ ref('fct_applicant_personas') }}
    group by persona_key
),

-- From the day on which the cycles are scored to their census: what a season does.
within_season as (
    select
        'season' as comparison,
        cast(null as date) as previous_as_of,
        earlier.run_id as previous_run_id,
        earlier.persona_key as previous_persona_key,
        later.persona_key,
        later.run_id
    from assignments as earlier
    inner join days
        on earlier.entry_term = days.entry_term
        and earlier.known_on = days.known_on
    inner join assignments as later
        on earlier.application_id = later.application_id
        and later.is_persona_snapshot
    where earlier.is_primary
),

present as (
    select history.* from history
    inner join as_of on history.as_of = as_of.as_of
    where history.run_id in (select distinct run_id from assignments)
),

earlier_builds as (
    select as_of, run_id from history
    except
    select as_of, run_id from present
),

last_build as (
    select
        earlier_builds.as_of,
        earlier_builds.run_id
    from earlier_builds
    left join fits on earlier_builds.run_id = fits.run_id
    order by earlier_builds.as_of desc, fits.fitted_at desc nulls last, earlier_builds.run_id asc
    limit 1
),

between_builds as (
    select
        'build' as comparison,
        history.as_of as previous_as_of,
        history.run_id as previous_run_id,
        history.persona_key as previous_persona_key,
        present.persona_key,
        present.run_id
    from history
    inner join last_build
        on history.as_of = last_build.as_of
        and history.run_id = last_build.run_id
    inner join present
        on history.person_id = present.person_id
        and history.entry_term = present.entry_term
),

moves as (
    select * from within_season
    union all
    select * from between_builds
),

counted as (
    select
        comparison,
        previous_as_of,
        previous_run_id,
        run_id,
        previous_persona_key,
        persona_key,
        count(*) as n
    from moves
    group by
        comparison, previous_as_of, previous_run_id, run_id, previous_persona_key, persona_key
),

shared as (
    select
        *,
        n / cast(sum(n) over (partition by comparison, previous_persona_key) as double) as share
    from counted
),

decided as (
    {{ suppressed_cells('shared', ['comparison', 'previous_persona_key'], column='persona_key') }}
)

-- What a bootstrap alone would move away from a persona stands beside what stayed and what left.
select
    decided.comparison,
    decided.previous_as_of,
    as_of.as_of,
    decided.previous_run_id,
    decided.run_id,
    decided.previous_persona_key,
    decided.persona_key,
    decided.previous_persona_key = decided.persona_key as is_same,
    decided.is_suppressed,
    case when not decided.is_suppressed then decided.n end as n,
    case when not decided.is_suppressed then round(decided.share, 9) end as share,
    round(certainty.noise_share, 9) as noise_share
from decided
cross join as_of
left join certainty on decided.previous_persona_key = certainty.persona_key
