with

as_of as (
    select * from {{ ref('int_as_of') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

persons as (
    select * from {{ ref('stg_persons') }}
),

applications as (
    select * from {{ ref('stg_applications') }}
),

first_events as (
    select
        application_id,
        min(cast(known_at as date)) as first_known_on
    from {{ ref('stg_stage_events') }}
    group by application_id
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

applied as (
    select
        applications.application_id,
        applications.person_id,
        applications.entry_term,
        applications.program_code,
        false as is_prospect,
        coalesce(
            first_events.first_known_on, cast(applications.started_at as date)
        ) as first_known_on
    from applications
    left join first_events on applications.application_id = first_events.application_id
),

open_term as (
    select min(entry_term) as entry_term from entry_terms
    where is_open and census_on = (select nearest_open_term.census_on from nearest_open_term)
),

prospects as (
    select
        'prospect:' || persons.person_id as application_id,
        persons.person_id,
        coalesce(entry_terms.entry_term, open_term.entry_term) as entry_term,
        persons.intended_program_code as program_code,
        true as is_prospect,
        cast(persons.created_at as date) as first_known_on
    from persons
    left join applications on persons.person_id = applications.person_id
    left join entry_terms on persons.intended_entry_term = entry_terms.entry_term
    cross join open_term
    where applications.application_id is null
),

candidates as (
    select * from applied
    union all
    select * from prospects
),

placed as (
    select
        candidates.*,
        entry_terms.term_order,
        entry_terms.census_on,
        coalesce(entry_terms.is_open, false) as is_open,
        relative_day.as_of,
        relative_day.is_static,
        case
            when relative_day.is_static then relative_day.as_of
            else least(relative_day.as_of, coalesce(entry_terms.census_on, relative_day.as_of))
        end as persona_known_on,
        case
            when relative_day.is_static or entry_terms.is_open then relative_day.as_of
            else cast({{ dbt.dateadd(
                'day', '-relative_day.days_to_census', 'entry_terms.census_on'
            ) }} as date)
        end as enrollment_known_on
    from candidates
    left join entry_terms on candidates.entry_term = entry_terms.entry_term
    cross join relative_day
    where candidates.entry_term is not null
),

snapshots as (
    select placed.*, persona_known_on as known_on, 1 as for_personas, 0 as for_enrollment
    from placed
    union all
    select placed.*, enrollment_known_on as known_on, 0 as for_personas, 1 as for_enrollment
    from placed
    where not is_prospect and enrollment_known_on is not null
),

-- One row a day of knowledge, whatever it is used for; nothing that did not exist yet on it.
merged as (
    select
        application_id, person_id, entry_term, program_code, is_prospect, first_known_on,
        term_order, census_on, is_open, as_of, is_static, known_on,
        max(for_personas) = 1 as is_persona_snapshot,
        max(for_enrollment) = 1 as is_enrollment_snapshot
    from snapshots
    where first_known_on <= known_on or first_known_on is null
    group by
        application_id, person_id, entry_term, program_code, is_prospect, first_known_on,
        term_order, census_on, is_open, as_of, is_static, known_on
),

counted as (
    select
        merged.*,
        count(*) over (partition by person_id, entry_term, known_on) as applications_in_cycle,
        row_number() over (
            partition by person_id, entry_term, known_on
            order by first_known_on nulls last, application_id
        ) as application_number
    from merged
)

select
    counted.application_id,
    counted.known_on,
    counted.as_of,
    counted.person_id,
    counted.entry_term,
    counted.program_code,
    counted.term_order,
    counted.census_on,
    counted.is_open,
    counted.is_static,
    counted.is_prospect,
    counted.application_number = 1 as is_primary,
    counted.is_persona_snapshot,
    counted.is_enrollment_snapshot,
    persons.profiling_objection as has_objection,
    persons.residency,
    case
        when persons.residency is not null then persons.residency = 'domestic'
    end as is_domestic,
    cast(counted.applications_in_cycle as integer) as applications_in_cycle,
    cast(counted.application_number as integer) as application_number
from counted
inner join persons on counted.person_id = persons.person_id
