{#- Cycles differ by this much on the log-odds until they show it, which counts as so many phases
    that were known exactly. #}
{%- set prior_tau, prior_weight = 0.10, 3 %}

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
        power({{ prior_tau ** 2 }} / ({{ prior_tau ** 2 }} + noise), 2) as weight
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
    sqrt(greatest(
        {{ (prior_tau / 2) ** 2 }},
        ({{ prior_weight * prior_tau ** 2 }} + excess) / ({{ prior_weight }} + weight)
    )) as tau
from pooled
