{%- set offsets = var('as_of_offsets') %}

with recursive

as_of as (
    select * from {{ ref('int_as_of') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

-- How far each open term is from its census: a relative day for all finished cycles.
open_terms as (
    select
        entry_terms.entry_term,
        entry_terms.census_on,
        {{ dbt.datediff('as_of.as_of', 'entry_terms.census_on', 'day') }}
            as days_to_census
    from entry_terms
    cross join as_of
    where entry_terms.is_open and entry_terms.census_on is not null
),

-- An open term and the cycles of its intake before it.
intakes as (
    select
        entry_terms.entry_term,
        entry_terms.previous_entry_term,
        open_terms.days_to_census
    from open_terms
    inner join entry_terms on open_terms.entry_term = entry_terms.entry_term
    union all
    select
        entry_terms.entry_term,
        entry_terms.previous_entry_term,
        intakes.days_to_census
    from intakes
    inner join entry_terms on intakes.previous_entry_term = entry_terms.entry_term
),

own_days as (
    select
        entry_term,
        min(days_to_census) as days_to_census
    from intakes
    group by entry_term
),

relative_days as (
    select distinct days_to_census from open_terms
    union
    select {{ var('backtest_offset_days') }} as days_to_census
    where not exists (select 1 from open_terms)
),

nearest_day as (
    select min(days_to_census) as days_to_census from relative_days
),

terms as (
    select
        entry_terms.entry_term,
        entry_terms.term_order,
        entry_terms.census_on,
        entry_terms.is_open,
        entry_terms.is_closed,
        as_of.as_of,
        as_of.is_static,
        coalesce(own_days.days_to_census, nearest_day.days_to_census) as own_days_to_census
    from entry_terms
    cross join as_of
    cross join nearest_day
    left join own_days on entry_terms.entry_term = own_days.entry_term
),

purposes as (
    select
        terms.*,
        case
            when is_static then as_of
            else least(as_of, coalesce(census_on, as_of))
        end as known_on,
        1 as for_personas,
        0 as for_training,
        0 as for_enrollment,
        0 as for_backtest
    from terms
    union all
    select
        terms.*,
        as_of as known_on,
        0 as for_personas,
        1 as for_training,
        1 as for_enrollment,
        0 as for_backtest
    from terms
    where is_static or is_open
    union all
    select
        terms.*,
        cast({{ dbt.dateadd('day', '-relative_days.days_to_census', 'terms.census_on') }} as date)
            as known_on,
        0 as for_personas,
        1 as for_training,
        case
            when relative_days.days_to_census = terms.own_days_to_census then 1 else 0
        end as for_enrollment,
        0 as for_backtest
    from terms
    cross join relative_days
    where not terms.is_open and not terms.is_static
    {%- for offset in offsets %}
    union all
    select
        terms.*,
        cast({{ dbt.dateadd('day', -offset, 'census_on') }} as date) as known_on,
        0 as for_personas,
        0 as for_training,
        0 as for_enrollment,
        1 as for_backtest
    from terms
    where is_closed and not is_static
    {%- endfor %}
)

select
    entry_term,
    known_on,
    as_of,
    is_static,
    term_order,
    census_on,
    is_open,
    is_closed,
    case
        when not is_static then {{ dbt.datediff('known_on', 'census_on', 'day') }}
    end as days_to_census,
    max(for_personas) = 1 as is_persona_day,
    max(for_training) = 1 as is_training_day,
    max(for_enrollment) = 1 as is_enrollment_day,
    max(for_backtest) = 1 as is_backtest_day
from purposes
where known_on is not null
group by
    entry_term, known_on, as_of, is_static, term_order, census_on, is_open, is_closed
