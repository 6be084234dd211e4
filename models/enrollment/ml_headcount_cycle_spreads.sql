with

days as (
    select * from {{ ref('ml_headcount_days') }}
),

cells as (
    select * from {{ ref('ml_headcount_cells') }}
    where breakdown = 'phase' and spread > 0
),

-- By how much a back-test missed on the log-odds, and how much of that is chance.
misses as (
    select
        entry_term,
        known_on,
        (n_outcomes - expected) / spread as miss,
        (1 + n_people / cast(greatest(n_training, 1) as double)) / spread as noise
    from cells
),

weighted as (
    select
        entry_term,
        known_on,
        power(miss, 2) - noise as excess,
        {{ cycle_weight('noise') }} as weight
    from misses
),

pooled as (
    select
        days.entry_term,
        days.known_on,
        count(distinct days.earlier_entry_term) as n_cycles,
        coalesce({{ stable_sum('weighted.weight * weighted.excess') }}, 0) as excess,
        coalesce({{ stable_sum('weighted.weight') }}, 0) as weight
    from days
    left join weighted
        on days.earlier_entry_term = weighted.entry_term
        and days.earlier_known_on = weighted.known_on
    group by days.entry_term, days.known_on
)

select
    entry_term,
    known_on,
    n_cycles,
    round(sqrt({{ cycle_variance('excess', 'weight') }}), 9) as tau
from pooled
