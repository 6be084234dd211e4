{#- By what share of the mean cycles differ, as a variance, until they show it; the prior counts as
    so many cycles. #}
{%- set prior_variance, prior_cycles = 0.01, 3 %}

with

days as (
    select * from {{ ref('ml_headcount_days') }}
    where is_same_intake and not is_static
),

cells as (
    select
        *,
        case when standing = 'yet to come' then n_people else 0 end as n_arrivals
    from {{ ref('ml_headcount_cells') }}
),

cycles as (
    select
        entry_term,
        known_on,
        count(*) as n_cycles
    from days
    group by entry_term, known_on
),

by_cycle as (
    select
        days.entry_term,
        days.known_on,
        days.earlier_entry_term,
        cells.breakdown,
        cells.breakdown_value,
        sum(cells.n_arrivals) as n_arrivals
    from days
    inner join cells
        on days.earlier_entry_term = cells.entry_term
        and days.earlier_known_on = cells.known_on
    group by
        days.entry_term, days.known_on, days.earlier_entry_term, cells.breakdown,
        cells.breakdown_value
),

-- A cycle without the cell had nobody yet to come.
averaged as (
    select
        by_cycle.entry_term,
        by_cycle.known_on,
        by_cycle.breakdown,
        by_cycle.breakdown_value,
        cast(cycles.n_cycles as double) as n_cycles,
        sum(by_cycle.n_arrivals) / cast(cycles.n_cycles as double) as mean,
        sum(by_cycle.n_arrivals * by_cycle.n_arrivals) as sum_of_squares
    from by_cycle
    inner join cycles
        on by_cycle.entry_term = cycles.entry_term
        and by_cycle.known_on = cycles.known_on
    group by
        by_cycle.entry_term, by_cycle.known_on, by_cycle.breakdown, by_cycle.breakdown_value,
        cycles.n_cycles
),

-- By how much the cycles differ beyond chance.
compared as (
    select
        *,
        sum_of_squares - n_cycles * mean * mean - (n_cycles - 1) * mean as excess
    from averaged
)

select
    entry_term,
    known_on,
    breakdown,
    breakdown_value,
    cast(n_cycles as bigint) as n_cycles,
    round(mean, 9) as expected,
    round(mean + mean / n_cycles + greatest(
        {{ prior_variance / 4 }} * mean * mean,
        ({{ prior_variance * prior_cycles }} * mean * mean + excess)
        / ({{ prior_cycles }} + n_cycles - 1)
    ), 9) as variance
from compared
