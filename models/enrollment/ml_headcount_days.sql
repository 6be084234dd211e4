with recursive

snapshot_days as (
    select * from {{ ref('int_snapshot_days') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

days as (
    select
        entry_term,
        known_on,
        days_to_census,
        census_on,
        as_of,
        is_static,
        is_open,
        is_closed
    from snapshot_days
    where (is_open and is_enrollment_day)
        or (is_closed and (is_training_day or is_backtest_day))
),

-- A term and the cycles of its intake before it.
intakes as (
    select
        entry_term,
        entry_term as earlier_entry_term
    from entry_terms
    union all
    select
        intakes.entry_term,
        entry_terms.previous_entry_term as earlier_entry_term
    from intakes
    inner join entry_terms on intakes.earlier_entry_term = entry_terms.entry_term
    where entry_terms.previous_entry_term is not null
),

-- What came of a cycle serves once it was written down on the day.
pairs as (
    select
        days.entry_term,
        days.known_on,
        earlier.entry_term as earlier_entry_term,
        earlier.known_on as earlier_known_on,
        intakes.entry_term is not null as is_same_intake,
        max(case when intakes.entry_term is not null then 1 else 0 end) over (
            partition by days.entry_term, days.known_on
        ) = 1 as has_same_intake
    from days
    inner join days as earlier
        on days.days_to_census is not distinct from earlier.days_to_census
        and days.entry_term <> earlier.entry_term
        and earlier.is_closed
        and (
            days.is_static
            or {{ dbt.dateadd('day', var('settling_days'), 'earlier.census_on') }} <= days.known_on
        )
    left join intakes
        on days.entry_term = intakes.entry_term
        and earlier.entry_term = intakes.earlier_entry_term
    where days.is_open or not days.is_static
)

select
    days.entry_term,
    days.known_on,
    days.days_to_census,
    days.as_of,
    days.is_static,
    days.is_open,
    pairs.earlier_entry_term,
    pairs.earlier_known_on,
    coalesce(pairs.is_same_intake, false) as is_same_intake
from days
left join pairs
    on days.entry_term = pairs.entry_term
    and days.known_on = pairs.known_on
    and pairs.is_same_intake = pairs.has_same_intake
