with

predictions as (
    select
        *,
        coalesce(ladder, phase) as ladder_name,
        bool_or(score_kind = 'out_of_sample') over (partition by phase) as is_tested_whole
    from {{ ref('ml_enrollment_predictions') }}
    where is_enrollment_day and outcome is not null and likelihood is not null
        and test_cycle is not null
),

protected_attributes as (
    select * from {{ ref('stg_protected_attributes') }}
    where attribute <> 'residency'
),

suppressed_tests as (
    select * from {{ ref('ml_suppressed_tests') }}
    where model = 'likelihood' and is_suppressed
),

-- Cycles that were predicted as a whole; without any, rows that models of other persons predicted.
held_out as (
    select
        *,
        case when is_tested_whole then 'all_cycles' else test_cycle end as told_as
    from predictions
    where not is_tested_whole or score_kind = 'out_of_sample'
),

scoped as (
    select phase as scope, * from held_out
    union all
    select 'all' as scope, * from held_out
),

-- Selected is who is in the upper half of the phase, or of the whole ladder.
thresholds as (
    select
        ladder_name,
        scope,
        max(told_as) as told_as,
        percentile_cont(0.5) within group (order by likelihood) as median_likelihood
    from scoped
    group by ladder_name, scope
),

attributes as (
    select distinct attribute from protected_attributes
),

grouped as (
    select
        scope, ladder_name, person_id, outcome, likelihood,
        'residency' as attribute,
        {{ group_name('residency') }} as group_value
    from scoped
    union all
    select
        scoped.scope, scoped.ladder_name, scoped.person_id, scoped.outcome, scoped.likelihood,
        attributes.attribute,
        {{ group_name('protected_attributes.value') }} as group_value
    from scoped
    cross join attributes
    left join protected_attributes
        on scoped.person_id = protected_attributes.person_id
        and attributes.attribute = protected_attributes.attribute
),

viewed as (
    select * from grouped
    union all
    select scope, ladder_name, person_id, outcome, likelihood, attribute, 'all' as group_value
    from grouped
),

counted as (
    select
        viewed.attribute,
        viewed.ladder_name,
        viewed.scope,
        viewed.group_value,
        count(distinct viewed.person_id) as n,
        count(*) as n_rows,
        {{ count_where('viewed.likelihood >= thresholds.median_likelihood') }} as n_selected,
        {{ count_where('viewed.outcome = 1') }} as n_positive,
        {{ count_where(
            'viewed.outcome = 1 and viewed.likelihood >= thresholds.median_likelihood'
        ) }} as n_positive_selected,
        {{ stable_avg('viewed.likelihood') }} as mean_likelihood
    from viewed
    inner join thresholds
        on viewed.ladder_name = thresholds.ladder_name
        and viewed.scope = thresholds.scope
    group by viewed.attribute, viewed.ladder_name, viewed.scope, viewed.group_value
),

-- All combinations of a phase and a group; who is in none of them is nobody.
cells as (
    select
        phases.attribute,
        phases.ladder_name,
        phases.scope,
        groups.group_value,
        coalesce(counted.n, 0) as n,
        coalesce(counted.n_rows, 0) as n_rows,
        coalesce(counted.n_selected, 0) as n_selected,
        coalesce(counted.n_positive, 0) as n_positive,
        coalesce(counted.n_positive_selected, 0) as n_positive_selected,
        counted.mean_likelihood
    from counted as phases
    inner join counted as groups
        on phases.attribute = groups.attribute
        and phases.ladder_name = groups.ladder_name
        and groups.scope = 'all'
    left join counted
        on {{ same_keys(
            'phases', 'counted', ['attribute', 'ladder_name', 'scope']
        ) }}
        and groups.group_value = counted.group_value
    where phases.group_value = 'all'
),

decided as (
    {{ suppressed_cells(
        'cells', ['attribute', 'ladder_name'], column='group_value', row='scope'
    ) }}
),

named as (
    select
        decided.*,
        case when decided.scope = 'all' then decided.ladder_name else decided.scope end as phase,
        thresholds.told_as
    from decided
    inner join thresholds
        on decided.ladder_name = thresholds.ladder_name
        and decided.scope = thresholds.scope
),

-- What the evaluation hides of these rows is not told here.
hidden as (
    select test_cycle, phase, 'residency' as attribute, slice_value as group_value
    from suppressed_tests
    where slice = 'residency'
    union
    select named.told_as as test_cycle, named.phase, named.attribute, named.group_value
    from named
    inner join suppressed_tests
        on named.told_as = suppressed_tests.test_cycle
        and named.phase = suppressed_tests.phase
    where suppressed_tests.slice = 'all'
)

select
    named.attribute,
    named.group_value,
    named.phase,
    named.n_rows,
    named.n_selected,
    named.n_positive,
    named.n_positive_selected,
    named.mean_likelihood,
    named.is_suppressed or hidden.test_cycle is not null as is_suppressed
from named
left join hidden
    on named.told_as = hidden.test_cycle
    and {{ same_keys('named', 'hidden', ['phase', 'attribute', 'group_value']) }}
-- A ladder of one rung is its phase.
where named.group_value <> 'all'
    and (named.scope <> 'all' or named.ladder_name not in (select phase from held_out))
