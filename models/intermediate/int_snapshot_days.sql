{%- set offsets = var('as_of_offsets') %}

with

as_of as (
    select * from {{ ref('int_as_of') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

-- The open term whose census is nearest sets the relative day for all closed cycles.
nearest_open_term as (
    select min(census_on) as census_on from entry_terms
    where is_open
),

relative_day as (
    select
        as_of.as_of,
        as_of.is_static,
        coalesce(
            {{ dbt.datediff('as_of.as_of', 'nearest_open_term.census_on', 'day') }},
            {{ var('backtest_offset_days') }}
        ) as days_to_census
    from as_of
    cross join nearest_open_term
),

terms as (
    select
        entry_terms.entry_term,
        entry_terms.term_order,
        entry_terms.census_on,
        entry_terms.is_open,
        relative_day.as_of,
        relative_day.is_static,
        relative_day.days_to_census
    from entry_terms
    cross join relative_day
),

purposes as (
    select
        terms.*,
        case
            when is_static then as_of
            else least(as_of, coalesce(census_on, as_of))
        end as known_on,
        1 as for_personas,
        0 as for_enrollment,
        0 as for_backtest
    from terms
    union all
    select
        terms.*,
        case
            when is_static or is_open then as_of
            else cast({{ dbt.dateadd('day', '-days_to_census', 'census_on') }} as date)
        end as known_on,
        0 as for_personas,
        1 as for_enrollment,
        0 as for_backtest
    from terms
    {%- for offset in offsets %}
    union all
    select
        terms.*,
        cast({{ dbt.dateadd('day', -offset, 'census_on') }} as date) as known_on,
        0 as for_personas,
        0 as for_enrollment,
        1 as for_backtest
    from terms
    where not is_open and not is_static
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
    case
        when not is_static then {{ dbt.datediff('known_on', 'census_on', 'day') }}
    end as days_to_census,
    max(for_personas) = 1 as is_persona_day,
    max(for_enrollment) = 1 as is_enrollment_day,
    max(for_backtest) = 1 as is_backtest_day
from purposes
where known_on is not null
group by entry_term, known_on, as_of, is_static, term_order, census_on, is_open
