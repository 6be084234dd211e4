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

-- A test of several cycles tells a value where each of them does, and so nothing more.
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
),

-- A model may know less of a value than others; days are not parts of a whole.
cells as (
    select
        test_cycle,
        phase,
        model,
        slice,
        case when slice = 'days_to_census' then slice_value else 'all' end as part_of,
        slice_value,
        max(n) as n
    from evaluation
    group by test_cycle, phase, model, slice, slice_value
),

decided as (
    {{ suppressed_cells(
        'cells', ['test_cycle', 'phase', 'model', 'slice', 'part_of'], column='slice_value'
    ) }}
)

select
    decided.test_cycle,
    decided.phase,
    decided.model,
    decided.slice,
    decided.slice_value,
    decided.n,
    decided.is_suppressed
    or exists (
        select 1 from hidden
        where hidden.test_cycle = decided.test_cycle
            and hidden.phase = decided.phase
            and (
                hidden.slice = decided.slice and hidden.slice_value = decided.slice_value
                or decided.slice in ('all', 'days_to_census') and hidden.slice_value = 'all'
            )
    ) as is_suppressed
from decided
