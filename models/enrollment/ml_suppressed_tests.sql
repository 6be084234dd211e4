with

evaluation as (
    select * from {{ ref('ml_enrollment_evaluation') }}
),

suppressed_scores as (
    select * from {{ ref('ml_suppressed_scores') }}
    where is_suppressed
),

closed_terms as (
    select entry_term from {{ ref('int_entry_terms_ordered') }}
    where not is_open
),

pooled_tests as (
    select distinct test_cycle from evaluation
    where test_cycle not in (select entry_term from closed_terms)
),

-- A whole phase is always told of all cycles together, for that is the headline: a cycle that is
-- too small for it takes the smallest other one with it where it is the only such.
ranked_cycles as (
    select
        totals.entry_term,
        totals.phase,
        totals.is_suppressed,
        sum(case when totals.is_suppressed then 1 else 0 end) over (
            partition by totals.phase
        ) as n_hidden,
        row_number() over (
            partition by totals.phase, totals.is_suppressed order by totals.n, totals.entry_term
        ) as place
    from {{ ref('ml_suppressed_scores') }} as totals
    inner join closed_terms on totals.entry_term = closed_terms.entry_term
    where totals.slice = 'persona' and totals.slice_value = 'all' and totals.n > 0
),

-- Of values a test of several cycles tells those that each of them does, and so nothing more.
hidden as (
    select entry_term as test_cycle, slice, phase, slice_value
    from suppressed_scores
    union
    select
        pooled_tests.test_cycle,
        suppressed_scores.slice,
        suppressed_scores.phase,
        suppressed_scores.slice_value
    from suppressed_scores
    inner join closed_terms on suppressed_scores.entry_term = closed_terms.entry_term
    cross join pooled_tests
    where suppressed_scores.slice_value <> 'all'
    union
    select entry_term as test_cycle, 'persona' as slice, phase, 'all' as slice_value
    from ranked_cycles
    where not is_suppressed and n_hidden = 1 and place = 1
),

cells as (
    select
        test_cycle,
        phase,
        model,
        slice,
        -- Days are not parts of a whole.
        case when slice = 'days_to_census' then slice_value else 'all' end as part_of,
        slice_value,
        max(n) as n_rows
    from evaluation
    group by test_cycle, phase, model, slice, slice_value
),

-- Models that know less of a slice than the likelihood would tell of the difference.
compared as (
    select
        cells.*,
        cells.slice not in ('all', 'days_to_census')
        and min(case when cells.n_rows = likelihood.n_rows then 1 else 0 end) over (
            partition by cells.test_cycle, cells.phase, cells.model, cells.slice
        ) = 0 as is_of_others,
        hidden.test_cycle is not null as is_hidden,
        case when hidden.test_cycle is null then cells.n_rows else 0 end as n
    from cells
    left join cells as likelihood
        on {{ same_keys(
            'cells', 'likelihood', ['test_cycle', 'phase', 'slice', 'slice_value']
        ) }}
        and likelihood.model = 'likelihood'
    left join (
        select test_cycle, phase, slice, slice_value from hidden
        union
        select test_cycle, phase, 'all' as slice, 'all' as slice_value from hidden
        where slice_value = 'all'
        union
        select hidden.test_cycle, hidden.phase, days.slice, days.slice_value
        from hidden
        inner join cells as days
            on hidden.test_cycle = days.test_cycle
            and hidden.phase = days.phase
        where hidden.slice_value = 'all' and days.slice = 'days_to_census'
    ) as hidden
        on {{ same_keys(
            'cells', 'hidden', ['test_cycle', 'phase', 'slice', 'slice_value']
        ) }}
),

decided as (
    {{ suppressed_cells(
        'compared', ['test_cycle', 'phase', 'model', 'slice', 'part_of'], column='slice_value'
    ) }}
)

select
    test_cycle,
    phase,
    model,
    slice,
    slice_value,
    n_rows as n,
    is_suppressed or is_hidden or is_of_others as is_suppressed
from decided
