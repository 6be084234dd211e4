{#- Standard deviations between cycles, on the log-odds, and how likely each is before any cycle
    shows: .10 together (root mean square). #}
{%- set priors = {0.025: 0.30, 0.05: 0.30, 0.1: 0.30, 0.2: 0.08, 0.4: 0.02} %}

with

days as (
    select * from {{ ref('ml_headcount_days') }}
),

-- By how much back-tests missed in each phase, and what chance and the error of the level explain.
misses as (
    select
        entry_term,
        known_on,
        spread,
        power(n_outcomes - expected, 2) as squared_miss,
        {{ headcount_variance('n_people', 'spread', 'n_training', 0) }} as chance
    from {{ ref('ml_headcount_cells') }}
    where breakdown = 'phase' and spread > 0 and n_training > 0
),

candidates as (
    {%- for tau, prior in priors.items() %}
    select
        {{ tau }} as tau,
        {{ prior }} as prior_weight
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

judged as (
    select
        days.entry_term,
        days.known_on,
        candidates.tau,
        candidates.prior_weight,
        count(distinct days.earlier_entry_term) as n_cycles,
        {%- set variance = '(misses.chance + power(candidates.tau * misses.spread, 2))' %}
        coalesce({{ stable_sum(
            '-0.5 * (ln(' ~ variance ~ ') + misses.squared_miss / ' ~ variance ~ ')'
        ) }}, 0) as log_likelihood
    from days
    cross join candidates
    left join misses
        on days.earlier_entry_term = misses.entry_term
        and days.earlier_known_on = misses.known_on
    group by days.entry_term, days.known_on, candidates.tau, candidates.prior_weight
),

weighted as (
    select
        *,
        prior_weight * exp(
            log_likelihood - max(log_likelihood) over (partition by entry_term, known_on)
        ) as weight
    from judged
)

select
    entry_term,
    known_on,
    max(n_cycles) as n_cycles,
    round(sqrt(
        {{ stable_sum('weight * tau * tau') }} / {{ stable_sum('weight') }}
    ), 9) as tau
from weighted
group by entry_term, known_on
